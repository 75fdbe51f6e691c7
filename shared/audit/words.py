"""The services' own words on their chains, against what is sealed of them."""

from collections.abc import Mapping
from typing import TypeVar

from shared.audit.chains import Chain, ChainCheck
from shared.audit.files import Files
from shared.audit.outcome import Behind, LogAudit
from shared.chain import statements
from shared.chain.findings import Finding
from shared.chain.link import Head
from shared.chain.statements import BadStatement, ChainHeads, Contradicted
from shared.contract.vocabulary import ServiceName

_Place = TypeVar("_Place")


def words_of(files: Files) -> dict[ServiceName, bytes | None]:
    """Each service's word as it lies beside the log, unverified."""
    return {service: files.read(f"chains/{service}") for service in ServiceName}


def stated(words: Mapping[ServiceName, bytes | None]) -> dict[tuple[ServiceName, int], Head]:
    """Up to which numbers the services' words go. Whether they count is seen afterwards, with all
    keys known."""
    found: dict[tuple[ServiceName, int], Head] = {}
    for service, note in words.items():
        try:
            word = statements.parse((note or b"").rpartition(b"\n\n")[0].decode() + "\n")
        except (BadStatement, UnicodeDecodeError):
            continue
        if isinstance(word, ChainHeads) and word.service == service:
            found |= {(service, partition): head for partition, head in word.stated()}
    return found


def compare_words(
    words: Mapping[ServiceName, bytes | None], chains: ChainCheck, audit: LogAudit
) -> None:
    """Holds each service's own word against what is sealed of its chains."""
    audit.unstated = not any(words.values())
    if audit.unstated:
        return
    for service, note in words.items():
        where = f"chains/{service}"
        if note is None:
            audit.add([Finding("statement_missing", where, "there is no such file")])
            continue
        try:
            word = statements.open_statement(note, chains.trust)
        except BadStatement as error:
            audit.add([Finding("statement_rejected", where, str(error))])
            continue
        if not isinstance(word, ChainHeads) or word.service != service:
            audit.add(
                [Finding("statement_rejected", where, f"it is not {service}'s word on its chains")]
            )
            continue
        audit.stated_at[service] = word.time
        _compare_word(word, chains, audit)


def _compare_word(word: ChainHeads, chains: ChainCheck, audit: LogAudit) -> None:
    own = {
        partition: chain
        for (service, partition), chain in chains.chains.items()
        if service == word.service
    }

    def hash_at(partition: int, sequence: int) -> bytes | None:
        return own[partition].marks.get(sequence)

    for difference in statements.hold_against(word, heads(own), hash_at):
        if isinstance(difference, Contradicted):
            detail = (
                f"{difference.stated.hex()[:16]}… is stated, {difference.found.hex()[:16]}… "
                "was sealed"
            )
            where = f"{difference.service}/{difference.partition} number {difference.sequence}"
            audit.add([Finding("statement_differs", where, detail)])
        else:
            audit.behind.append(
                Behind(
                    difference.service,
                    difference.partition,
                    difference.first,
                    difference.last,
                    word.time,
                )
            )


def heads(chains: Mapping[_Place, Chain]) -> dict[_Place, Head]:
    """How far each chain is sealed."""
    return {place: Head(chain.sequence, chain.hash) for place, chain in chains.items()}
