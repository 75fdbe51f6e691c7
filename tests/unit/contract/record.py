"""Records an envelope of every event type that has none: `python -m tests.unit.contract.record`.

What is recorded is never edited or made again: it stands for what is on logs that we cannot see. A new type goes on where the chain of
its service ends.
"""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from shared.contract.catalogue import EVENTS
from shared.contract.catalogue.base import EventData
from shared.contract.envelope import Event, Link, Said, read, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import partition_of
from tests.unit.given import INCIDENT, START
from tests.unit.review.story import STORY, STORY_WITHOUT, TAKEDOWN, Spoken

FOLDER: Final = Path(__file__).parent / "recorded"
SUMS: Final = FOLDER / "SHA256SUMS"
KEYID: Final = "530d903a"
TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def recorded() -> dict[str, bytes]:
    """The exact bytes by event type."""
    return {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}


def in_order(envelopes: dict[str, bytes]) -> list[Event]:
    """As a service may have come to know them."""
    return sorted(map(read, envelopes.values()), key=lambda event: (event.time, event.service, event.link.sequence))


def examples() -> dict[type[EventData], Spoken]:
    """One of each type, all about the same action, so that together they are a history."""
    spoken = sorted([*STORY, *STORY_WITHOUT], key=lambda item: item[0])
    found: dict[type[EventData], Spoken] = {}
    for item in sorted(spoken, key=lambda item: getattr(item[2], "action_id", TAKEDOWN) != TAKEDOWN):
        found.setdefault(type(item[2]), item)
    return found


def main() -> None:
    known, said = recorded(), examples()
    chain = in_order(known)
    for kind in sorted(EVENTS, key=lambda kind: said[kind][0]):
        if kind.TYPE not in known:
            event = read(_envelope(said[kind], chain))
            (FOLDER / f"{kind.TYPE}.json").write_bytes(event.envelope)
            chain.append(event)
    SUMS.write_text(
        "".join(f"{hashlib.sha256(envelope).hexdigest()}  {name}.json\n" for name, envelope in recorded().items()),
        encoding="ascii",
    )


def _envelope(spoken: Spoken, chain: list[Event]) -> bytes:
    minutes, by, data = spoken
    own = [event for event in chain if event.service is data.SAID_BY]
    prevhash = own[-1].hash if own else ZERO_HASH
    link = Link(data.SAID_BY, partition_of(INCIDENT), len(own) + 1, prevhash, prevhash)
    number = len(chain) + 2
    return write(
        Said(
            id=UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + number),
            incident_id=INCIDENT,
            time=START + timedelta(minutes=minutes),
            actor=by,
            data=data,
            correlation_id=str(INCIDENT),
            causation_id=chain[-1].id if chain and by.startswith("service:") else None,
            traceparent=TRACE,
        ),
        link,
        KEYID,
    )


if __name__ == "__main__":
    main()
