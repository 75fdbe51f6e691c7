"""Records an envelope of every event type that has none: `python -m tests.unit.contract.record`.

What is recorded is never edited or made again: it stands for what is on logs that we cannot see. A
new type goes on where the chain of its service ends. The texts of an event lie beside it, one
disclosure a line."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from shared.contract.catalogue import EVENTS
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureGround,
    ErasureRefused,
    ErasureRequested,
    ErasureScope,
    HoldPlaced,
    HoldReleased,
    RetentionWarned,
    Side,
    TextKind,
)
from shared.contract.catalogue.system import (
    ChainHoleRecorded,
    KeyRotated,
    MessageParkedRecorded,
    ParkedSettled,
    PersonErased,
    SystemRecord,
)
from shared.contract.disclosure import Disclosure, conceal, read_disclosure
from shared.contract.envelope import Event, Link, Said, read, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from tests.unit.concealing import salts
from tests.unit.given import INCIDENT, START
from tests.unit.review.story import MESSAGE, STORY, STORY_WITHOUT, TAKEDOWN, Spoken

FOLDER: Final = Path(__file__).parent / "recorded"
SUMS: Final = FOLDER / "SHA256SUMS"
PARTITION: Final = partition_of(INCIDENT)
KEY_ROTATED: Final[Spoken] = (
    1700,
    "service:intake",
    KeyRotated(vkey="incident-ledger/intake+530d903a+AfJdjqUZuNZ5AQTsAoJd7dyLSNAKC7VcBdBRBmIaGnFt"),
)
SETTLED: Final[Spoken] = (
    1730,
    "service:triage",
    ParkedSettled(
        offset=47,
        value_sha256="5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        parked_as="malformed",
        reason="Somebody wrote a line of text to the topic; it was never an event.",
        proposed_by="ida",
        confirmed_by="omar",
    ),
)
PERSON_ERASED: Final[Spoken] = (
    1740,
    "service:review",
    PersonErased(
        person="reporter-rae",
        ground=ErasureGround.OBJECTION,
        requested_by="privacy-pia",
        confirmed_by="legal-liv",
    ),
)
FIRST: Final = UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0002)
"""The event that the recorded history begins with."""
SEALER: Final[dict[type[EventData], Spoken]] = {
    ChainHoleRecorded: (
        1710,
        "service:review",
        ChainHoleRecorded(
            chain=ServiceName.TRIAGE, missing=7, since=START + timedelta(minutes=1709)
        ),
    ),
    MessageParkedRecorded: (
        1711,
        "service:review",
        MessageParkedRecorded(
            offset=42,
            reason="untrusted",
            value_sha256=hashlib.sha256(b"a message that nobody signed").hexdigest(),
            chain=ServiceName.TRIAGE,
            sequence=7,
        ),
    ),
}
KEYID: Final = "530d903a"
TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def recorded() -> dict[str, bytes]:
    """The exact bytes by event type."""
    return {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}


def told() -> dict[str, tuple[Disclosure, ...]]:
    """The texts beside each envelope, by event type."""
    return {
        path.stem: tuple(map(read_disclosure, path.read_text("ascii").split()))
        for path in sorted(FOLDER.glob("*.disclosures"))
    }


def texts_of(data: EventData) -> tuple[EventData, tuple[Disclosure, ...]]:
    """The data as they are recorded, and the texts that are taken out of them."""
    return conceal(data, salts(data.TYPE))


def in_order(envelopes: dict[str, bytes]) -> list[Event]:
    """As a service may have come to know them."""
    return sorted(
        map(read, envelopes.values()),
        key=lambda event: (event.time, event.service, event.link.sequence),
    )


def examples() -> dict[type[EventData], Spoken]:
    """One of each type, all about the same action and message, so that together they are a
    history."""

    def beside_it(item: Spoken) -> bool:
        about = (
            getattr(item[2], "action_id", TAKEDOWN),
            getattr(item[2], "communication_id", MESSAGE),
        )
        return about != (TAKEDOWN, MESSAGE)

    found: dict[type[EventData], Spoken] = {}
    for minutes, by, data in sorted(
        sorted([*STORY, *STORY_WITHOUT], key=lambda item: item[0]), key=beside_it
    ):
        about = {"communication_id": MESSAGE} if hasattr(data, "communication_id") else {}
        found.setdefault(type(data), (minutes, by, data.model_copy(update=about)))
    return {
        **found,
        **_forgetting(found[Reported]),
        KeyRotated: KEY_ROTATED,
        ParkedSettled: SETTLED,
        PersonErased: PERSON_ERASED,
        **SEALER,
    }


def _forgetting(reported: Spoken) -> dict[type[EventData], Spoken]:
    """The first text of the history is forgotten at its end, after some have spoken against it."""
    _, disclosures = texts_of(reported[2])
    description = next(one for one in disclosures if one.named()[0] == "description")
    gone = (ErasedText(event_id=FIRST, name="description", digest=description.digest),)
    ground, asked, hold = ErasureGround.CONSENT_WITHDRAWN, UUID(int=0xEE), UUID(int=0xED)
    ends = START + timedelta(days=365)
    spoken: tuple[Spoken, ...] = (
        (1640, "legal-liv", HoldPlaced(hold_id=hold, placed_as=Side.LEGAL, reason="A claim.")),
        (1641, "service:review", RetentionWarned(kinds=(TextKind.REPORT,), days=14, ends_at=ends)),
        (
            1642,
            "privacy-pia",
            ErasureRequested(
                erasure_id=UUID(int=0xEC),
                scope=ErasureScope.FIELDS,
                ground=ground,
                texts=gone,
                asked_as=Side.PRIVACY,
                reason="The person who is in the photo asked for it.",
            ),
        ),
        (
            1643,
            "legal-liv",
            ErasureRefused(erasure_id=UUID(int=0xEC), reason="The claim is not settled."),
        ),
        (1644, "legal-liv", HoldReleased(hold_id=hold, reason="It was settled.")),
        (
            1650,
            "legal-liv",
            ContentErased(
                erasure_id=asked,
                ground=ground,
                texts=gone,
                requested_by="privacy-pia",
                confirmed_by="legal-liv",
            ),
        ),
    )
    return {type(data): (minutes, by, data) for minutes, by, data in spoken}


def main() -> None:
    known, said = recorded(), examples()
    chain = in_order(known)
    for kind in sorted(EVENTS, key=lambda kind: said[kind][0]):
        if kind.TYPE not in known:
            event = read(envelope(said[kind], chain))
            (FOLDER / f"{kind.TYPE}.json").write_bytes(event.envelope)
            if texts := texts_of(said[kind][2])[1]:
                lines = "".join(f"{one.text}\n" for one in texts)
                (FOLDER / f"{kind.TYPE}.disclosures").write_text(lines, encoding="ascii")
            chain.append(event)
    SUMS.write_text(
        "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
            for path in sorted([*FOLDER.glob("*.json"), *FOLDER.glob("*.disclosures")])
        ),
        encoding="ascii",
    )


def envelope(spoken: Spoken, chain: list[Event]) -> bytes:
    minutes, by, data = spoken
    service = data.SAID_BY or ServiceName.INTAKE
    incident = system_subject(PARTITION) if isinstance(data, SystemRecord) else INCIDENT
    own = [event for event in chain if event.service is service]
    of_incident = [event for event in own if event.subject_id == incident]
    prevhash, subjectprev = (
        events[-1].hash if events else ZERO_HASH for events in (own, of_incident)
    )
    link = Link(service, PARTITION, len(own) + 1, prevhash, subjectprev)
    number = len(chain) + 2
    return write(
        Said(
            id=UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + number),
            subject_id=incident,
            time=START + timedelta(minutes=minutes),
            actor=by,
            data=texts_of(data)[0],
            correlation_id=str(INCIDENT),
            causation_id=chain[-1].id if chain and by.startswith("service:") else None,
            traceparent=TRACE,
        ),
        link,
        KEYID,
    )


if __name__ == "__main__":
    main()
