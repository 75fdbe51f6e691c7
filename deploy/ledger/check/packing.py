"""Packs a dossier once the log has sealed what the services say of the incident."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from deploy.ledger.check import rules
from shared.audit.anchors import NAMES, Pins
from shared.audit.dossier.archive import pack
from shared.audit.dossier.evidence import evidence
from shared.audit.dossier.gathered import Gathered, Notes, Words, heads_of
from shared.audit.dossier.gathering import gather
from shared.audit.dossier.parts import compose
from shared.audit.files import Files, NotALog
from shared.audit.texts.check import Told
from shared.contract.envelope import Event

SEALED_WITHIN: Final = 30.0
"""Seconds in which the sealer must have taken in what the services say they have said."""


def no_texts(_: Sequence[Event]) -> Told:
    """Hashes are enough."""
    return {}


def dossier_of(
    files: Files,
    incident: UUID,
    notes: Notes,
    tell: Callable[[str], None],
    pins: Pins | None = None,
    choose: Callable[[Sequence[Event]], Told] = no_texts,
) -> bytes:
    """The archive, once all is sealed that the services' words in `notes` speak of. Without a key
    of the log in `pins`, that which lies beside the log is believed. `choose` gives the texts that
    are handed over with these events. Raises NotALog."""
    words = heads_of(notes, incident)
    if not any(word.count for word in words.values()):
        raise NotALog(f"no service has said anything of incident {incident}")
    beside = _beside(files)
    gather_at = partial(gather, files, (pins or Pins()).log_of(beside), incident)
    gathered = _wait_until_sealed(files, gather_at, words, tell).up_to(words)
    shown = choose([event for _, event in gathered.events])
    events = [
        replace(one, texts=tuple(shown.get(event.id, ())))
        for one, (_, event) in zip(
            evidence(files, gathered, gathered.events), gathered.events, strict=True
        )
    ]
    rotations = evidence(files, gathered, gathered.rotations)
    return pack(compose(incident, gathered.note, beside, events, rotations, notes, rules.reports()))


def _beside(files: Files) -> dict[str, bytes]:
    """The keys and the policy that lie beside a log."""
    beside: dict[str, bytes] = {}
    for name in NAMES:
        text = files.read(name)
        if text is None:
            raise NotALog(f"{files.name} lacks {name}")
        beside[name] = text
    return beside


def _wait_until_sealed(
    files: Files,
    gather_at: Callable[[str], Gathered],
    words: Words,
    tell: Callable[[str], None],
) -> Gathered:
    """Prefers the head that witnesses have seen; after a while the newest one must do, and says
    itself that they have not."""
    end = time.monotonic() + SEALED_WITHIN
    while True:
        witnessed = files.read("witnessed") is not None and time.monotonic() < end
        gathered = gather_at("witnessed" if witnessed else "checkpoint")
        if not (lacks := gathered.lacks(words)):
            return gathered
        if not witnessed and time.monotonic() > end:
            raise NotALog(
                f"the log has not sealed what the services say of the incident: {'; '.join(lacks)}"
            )
        tell("waiting until all of it is sealed")
        time.sleep(0.5)
