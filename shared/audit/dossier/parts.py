"""One incident's dossier: an archive that proves, by itself, what was said of an incident and that
nothing is missing.

    incident                            the incident's id
    checkpoint, log.vkey, trust, policy as in the log's folder
    events/<n>-<service>-<number>.json  the exact envelope, in the order of the log; beside it
                                 .sig          its signature, by itself or in its turn
                                 .tlog-proof   that it is in the log (c2sp.org/tlog-proof)
                                 .disclosures  the texts that the reader may see, one a line
                                               (RFC 9901); none: withheld, erased, never given
    keys/<n>-<service>-<number>.…       the same for each change of a service's key before its
                                        events here
    heads/<service>                     the service's own word: how many events of this incident,
                                        and which is the last
    report.skeleton.json                the published report without its texts, if there is one:
                                        its digest is on the log
    report.json, .md, .html             the same report as this dossier's reader may read it
    README.txt                          how to check all this by hand

The same parts give the same bytes. Nothing of another incident is in it but hashes.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.audit.dossier.page import PAGE, page
from shared.audit.texts.lines import DISCLOSURES, write_lines
from shared.contract.disclosure import Disclosure, by_digest
from shared.contract.envelope import Event, read
from shared.contract.vocabulary import ServiceName
from shared.tlog.proof import SUFFIX, Proof

ANCHORS: Final = ("log.vkey", "trust", "policy")
REPORTS: Final = ("report.html", "report.json", "report.md", "report.skeleton.json")
_EVENT: Final = re.compile(
    r"(?:events|keys)/(\d{4,})-([a-z]+)-(\d{1,20})(\.json|\.sig|\.tlog-proof|\.disclosures)",
    re.ASCII,
)

Reports = Callable[[Sequence[Event], Mapping[str, Disclosure]], Mapping[str, bytes]]
"""The published report's files, made from the incident's events in the order of the log and the
texts that are shown, by digest; none when none is published."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One event as it goes into a dossier, with the texts that the reader may see."""

    envelope: bytes
    signature: bytes
    proof: Proof
    texts: tuple[Disclosure, ...] = ()


def compose(
    incident: UUID,
    checkpoint: bytes,
    anchors: Mapping[str, bytes],
    evidence: Sequence[Evidence],
    rotations: Sequence[Evidence],
    heads: Mapping[ServiceName, bytes],
    reports: Reports,
) -> dict[str, bytes]:
    """The parts of a dossier. `evidence` and `rotations` are in the order of the log; `anchors` are
    the texts named `ANCHORS`."""
    events = [read(one.envelope) for one in evidence]
    parts = {
        "incident": f"{incident}\n".encode(),
        "checkpoint": checkpoint,
        **anchors,
        **reports(events, by_digest(text for one in evidence for text in one.texts)),
    }
    parts |= _parts_of("events", evidence) | _parts_of("keys", rotations)
    parts |= {f"heads/{service}": note for service, note in heads.items()}
    return {**parts, PAGE: page(incident, sorted(parts))}


def _parts_of(folder: str, evidence: Sequence[Evidence]) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    for number, one in enumerate(evidence, 1):
        event = read(one.envelope)
        name = f"{folder}/{number:04d}-{event.service}-{event.link.sequence}"
        parts |= {
            f"{name}.json": one.envelope,
            f"{name}.sig": one.signature,
            f"{name}{SUFFIX}": one.proof.encode(),
        }
        if one.texts:
            parts[f"{name}{DISCLOSURES}"] = write_lines(one.texts)
    return parts


def event_names(parts: Mapping[str, bytes], folder: str) -> Iterator[str]:
    """Of the events that lie in this folder, without their endings, in order."""
    found = (
        match for name in parts if name.startswith(folder) and (match := _EVENT.fullmatch(name))
    )
    # By number: as text, the 10 000th would come before the 9 999th.
    numbered = {(int(match[1]), match[0].removesuffix(match[4])) for match in found}
    yield from (name for _, name in sorted(numbered))


def may_hold(name: str) -> bool:
    """Whether a dossier can have a part of this name."""
    heads = {f"heads/{service}" for service in ServiceName}
    known = {"incident", "checkpoint", PAGE, *ANCHORS, *REPORTS, *heads}
    of_a_key = name.startswith("keys/") and name.endswith(DISCLOSURES)
    return name in known or (_EVENT.fullmatch(name) is not None and not of_a_key)
