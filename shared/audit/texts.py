"""The texts that come beside events: each is held against the digests of its event, and what is not
shown is counted, withheld apart from erased.

That a text is withheld, and not missing, its digest proves: it stands in the signed event."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.audit.files import MAX_TEXTS, TEXTS
from shared.audit.incidents import Sealed
from shared.chain.findings import Finding
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import ContentErased
from shared.contract.disclosure import (
    Disclosure,
    MalformedDisclosure,
    digests,
    read_disclosure,
)
from shared.contract.envelope import Event

Told = Mapping[UUID, Sequence[Disclosure]]
"""The texts that are shown, by event."""


@dataclass(slots=True)
class TextCount:
    """How many texts the events have, by what became of them."""

    shown: int = 0
    withheld: int = 0
    erased: int = 0


def check_texts(history: Sequence[Sealed], told: Told, count: TextCount) -> Iterator[Finding]:
    """`history` is all that there is of one incident, in the order of the log."""
    gone = {
        (one.event_id, one.digest)
        for sealed in history
        if isinstance(sealed.event.data, ContentErased)
        for one in sealed.event.data.texts
    }
    for sealed in history:
        event, shown = sealed.event, set[str]()
        stand = set(digests_of(event))
        for one in told.get(event.id, ()):
            shown.add(one.digest)
            if one.digest not in stand:
                yield Finding("disclosure_unfounded", sealed.where, _named(one), event.id)
            elif (event.id, one.digest) in gone:
                yield Finding("disclosure_erased", sealed.where, _named(one), event.id)
        erased = {digest for digest in stand - shown if (event.id, digest) in gone}
        count.shown += len(stand & shown)
        count.erased += len(erased)
        count.withheld += len(stand - shown - erased)


def digests_of(event: Event) -> list[str]:
    """Of everything confidential in the event, whether or not this reader knows its type."""
    if isinstance(event.data, EventData):
        return list(digests(event.data))
    return list(_in_json(event.data.value))


def _in_json(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _in_json(one)
    elif isinstance(value, dict):
        own = value.get("_sd")
        yield from (one for one in own if isinstance(one, str)) if isinstance(own, list) else ()
        for name, one in value.items():
            if name != "_sd":
                yield from _in_json(one)


def _named(one: Disclosure) -> str:
    return f"{one.digest[:16]}… of {one.named()[0][:100]}"


def read_lines(data: bytes, where: str) -> tuple[tuple[Disclosure, ...], list[Finding]]:
    """The disclosures of one event, one a line. What is none, or stands there twice, is a
    finding."""
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        return (), [Finding("disclosure_malformed", where, "not ASCII")]
    if lines.pop() != "" or not lines:
        return (), [Finding("disclosure_malformed", where, "not one disclosure a line")]
    return _read(lines, where)


def read_file(data: bytes) -> tuple[dict[UUID, tuple[Disclosure, ...]], list[Finding]]:
    """The texts beside a log, by event, from a line for each: `{"event": id, "disclosures": […]}`.
    What cannot be read is a finding."""
    if len(data) > MAX_TEXTS:
        return {}, [Finding("disclosure_malformed", TEXTS, f"longer than {MAX_TEXTS:,} bytes")]
    told: dict[UUID, tuple[Disclosure, ...]] = {}
    findings: list[Finding] = []
    for number, line in enumerate(data.splitlines(), 1):
        where = f"{TEXTS} line {number}"
        try:
            value = json.loads(line)
            event, texts = UUID(value["event"]), value["disclosures"]
            if event in told or not isinstance(texts, list):
                raise ValueError("an event stands there twice, or its texts are no list")
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            why = f"not the texts of one event: {type(error).__name__}"
            findings.append(Finding("disclosure_malformed", where, why))
            continue
        told[event], more = _read(texts, where)
        findings += more
    return told, findings


def _read(texts: Iterable[Any], where: str) -> tuple[tuple[Disclosure, ...], list[Finding]]:
    good: dict[str, Disclosure] = {}
    findings: list[Finding] = []
    for text in texts:
        try:
            one = read_disclosure(text if isinstance(text, str) else "")
            if one.digest in good:
                raise MalformedDisclosure("it stands there twice")
        except MalformedDisclosure as error:
            findings.append(Finding("disclosure_malformed", where, str(error)))
            continue
        good[one.digest] = one
    return tuple(good.values()), findings


def write_lines(texts: Iterable[Disclosure]) -> bytes:
    """What `read_lines` reads."""
    return "".join(f"{one.text}\n" for one in texts).encode("ascii")


def write_file(told: Iterable[tuple[UUID, Sequence[Disclosure]]]) -> bytes:
    """What `read_file` reads, without events of which nothing is shown. Raises ValueError when it
    is longer than any reader takes."""
    lines = (
        json.dumps({"event": str(event), "disclosures": [one.text for one in texts]})
        for event, texts in told
        if texts
    )
    data = "".join(f"{line}\n" for line in lines).encode("ascii")
    if len(data) > MAX_TEXTS:
        raise ValueError(
            f"the texts take {len(data):,} bytes, at most {MAX_TEXTS:,} fit beside a log; "
            "choose a reader who sees less, or withhold fields"
        )
    return data
