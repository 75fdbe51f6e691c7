"""Whom an audit believes without a proof: the log's key, the services' keys, and which witnesses
must have seen the log.

An auditor brings these along as pins. What lies beside a log or in a dossier under the same names
is used where there is no pin, and proves little."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.chain import keyfiles
from shared.chain.trust import Trust
from shared.tlog.keys import Verifier
from shared.tlog.policy import Policy

NAMES: Final = ("log.vkey", "trust", "policy")
"""The files that hold them, in a log's folder and in a dossier."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """All that is believed; without a policy, no witness is asked for."""

    log: Verifier
    trust: Trust
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class Pins:
    """What the auditor brought along."""

    log: Verifier | None = None
    trust: Trust | None = None
    policy: Policy | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The names for which there is no pin."""
        pins = dict(zip(NAMES, (self.log, self.trust, self.policy), strict=True))
        return tuple(name for name, pin in pins.items() if pin is None)

    def anchors(self, found: Mapping[str, bytes | None]) -> Anchors:
        """The pins, and what was found where there is none. Raises ValueError for a text that is
        needed and missing or no key file."""
        return Anchors(
            self.log_of(found),
            self.trust or keyfiles.services_keys(_needed("trust", found)),
            self.policy or _policy(found.get("policy")),
        )

    def log_of(self, found: Mapping[str, bytes | None]) -> Verifier:
        """The pinned key of the log, or the one that was found. Raises ValueError as `anchors`."""
        return self.log or keyfiles.log_key(_needed("log.vkey", found))

    def foreign(self, found: Mapping[str, bytes | None]) -> tuple[str, ...]:
        """Which texts that were found would have one believe somebody whom the pin of that name
        does not: another log, a key that is not among the services', other witnesses."""
        return tuple(
            name
            for name in NAMES
            if (text := found.get(name)) is not None and self._is_foreign(name, text)
        )

    def _is_foreign(self, name: str, text: bytes) -> bool:
        try:
            match name:
                case "log.vkey":
                    return self.log is not None and keyfiles.log_key(text) != self.log
                case "trust":
                    return self.trust is not None and bool(
                        keyfiles.services_keys(text).keys - self.trust.keys
                    )
                case _:
                    return self.policy is not None and _policy(text) != self.policy
        except ValueError:
            return True


def _policy(text: bytes | None) -> Policy | None:
    return None if text is None else keyfiles.witness_policy(text)


def _needed(name: str, found: Mapping[str, bytes | None]) -> bytes:
    if (text := found.get(name)) is None:
        raise ValueError(f"there is no {name}; name a file with --{name.removeprefix('log.')}")
    return text
