"""Texts as they are handed over: one event's in lines, those of a log in a file beside it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from shared.audit.files import MAX_TEXTS, TEXTS, Files, Folder
from shared.audit.subjects import Sealed
from shared.audit.texts.check import Told, with_texts
from shared.chain.findings import Finding
from shared.contract.disclosure import Disclosure, MalformedDisclosure, read_disclosure

DISCLOSURES: Final = ".disclosures"
"""How the name of a dossier's part ends that holds the texts of an event."""


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


def of_part(parts: Mapping[str, bytes], name: str) -> tuple[tuple[Disclosure, ...], list[Finding]]:
    """What a dossier shows of the event of this name, unjudged."""
    name += DISCLOSURES
    return read_lines(parts[name], name) if name in parts else ((), [])


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


def beside(files: Files) -> tuple[Told, list[Finding]]:
    """The texts that were handed over with a log. One that is served brings none."""
    data = files.read(TEXTS) if isinstance(files, Folder) else None
    return ({}, []) if data is None else read_file(data)


def restoring(files: Files) -> Callable[[Sealed], Sealed]:
    """Gives an event those of its texts that lie beside the log. What is no text is passed over:
    `ledger verify` tells of it."""
    told, _ = beside(files)
    return lambda sealed: with_texts(sealed, told)


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
