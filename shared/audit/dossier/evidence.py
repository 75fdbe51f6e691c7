"""The signatures and proofs that a dossier needs of its events."""

from collections.abc import Sequence

from shared.audit.dossier.gathered import Gathered
from shared.audit.dossier.parts import Evidence
from shared.audit.files import Files, NotALog
from shared.audit.tree import Signatures, tile_reader
from shared.contract.envelope import Event
from shared.tlog.errors import TlogError
from shared.tlog.proof import Proof
from shared.tlog.tile_proofs import inclusion_from_tiles


def evidence(
    files: Files, gathered: Gathered, items: Sequence[tuple[int, Event]]
) -> list[Evidence]:
    """Raises NotALog when a signature or a tile is missing."""
    signature_of, reader = Signatures(files, gathered.size), tile_reader(files)
    found = []
    for index, event in items:
        signature = signature_of(index)
        if signature is None:
            raise NotALog(f"{files.name} lacks the signature of leaf {index}")
        try:
            hashes = inclusion_from_tiles(index, gathered.size, reader)
        except TlogError as error:
            raise NotALog(str(error)) from error
        found.append(
            Evidence(event.envelope, signature, Proof(index, tuple(hashes), gathered.note))
        )
    return found
