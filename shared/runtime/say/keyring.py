"""The keys that a service signs with, and which of them is in force for the chains that it writes
to.

The key file holds one key a line, `#` begins a comment. It holds two while a key is changed: then
the service can sign whichever way its chains stand, and one that runs on reads the new key from the
file when it first needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.chain.link import Head
from shared.chain.trust import Trust
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.keyfiles import load_keys
from shared.runtime.say.plan import Speaker
from shared.tlog.keys import Signer


class KeyMissing(RuntimeError):
    """The service cannot sign what it would say: it must stop rather than say what every receiver
    has to park."""


class KeysDiffer(Exception):
    """Chains of one turn need different keys: each has to have a turn of its own."""


@dataclass(slots=True)
class Keyring:
    service: ServiceName
    file: Path
    trust: Trust
    _held: dict[str, Signer] = field(default_factory=dict)

    def signer(self, heads: Mapping[int, Head]) -> Signer:
        """The key for the next number of each of these chains. Raises KeyMissing, KeysDiffer."""
        wanted = {partition: self._wanted(partition, head) for partition, head in heads.items()}
        if len(set(wanted.values())) > 1:
            count = len(set(wanted.values()))
            raise KeysDiffer(f"the chains of {self.service} are signed with {count} different keys")
        partition, keyid = next(iter(wanted.items()))
        if keyid not in self._held:
            self._held = {signer.key_id.hex(): signer for signer in load_keys(self.file)}
        if keyid not in self._held:
            first, held = heads[partition].sequence + 1, ", ".join(self._held) or "none"
            raise KeyMissing(
                f"{self.service} must sign {self.service}/{partition} from {first} on with key "
                f"{keyid}, which LEDGER_SIGNING_KEY_FILE does not hold (it holds {held}); add that "
                "key's line to the file, or name a key that it holds in LEDGER_TRUST_FILE of every "
                "service, from that number on"
            )
        return self._held[keyid]

    def speaker(self, heads: Mapping[int, Head]) -> Speaker:
        """Who signs on these chains. Raises KeyMissing, KeysDiffer."""
        signer = self.signer(heads)
        return Speaker(self.service, signer.key_id.hex(), signer.sign)

    def next(self) -> Signer:
        """The file's last key: the one to change to."""
        return load_keys(self.file)[-1]

    def _wanted(self, partition: int, head: Head) -> str:
        verifier = self.trust.in_force(self.service, partition, head.sequence + 1)
        if verifier is None:
            raise KeyMissing(
                f"no key of {self.service} is trusted on partition {partition} from "
                f"{head.sequence + 1} on; add the key's line to LEDGER_TRUST_FILE of every service"
            )
        return verifier.key_id.hex()
