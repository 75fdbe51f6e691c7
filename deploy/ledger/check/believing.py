"""Whom the auditing commands believe: what the auditor brought along, else what lies beside the
log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from shared.audit.anchors import NAMES, Anchors, Pins
from shared.audit.files import MAX_TEXT, Files, read_regular
from shared.chain import keyfiles
from shared.tlog.keys import Verifier

OWN: Final = "the log itself"


_Key = TypeVar("_Key")


class BadPin(ValueError):
    """A file that the auditor brought cannot be read: nothing was checked."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the auditor brought along."""

    vkey: Path | None = None
    trust: Path | None = None
    policy: Path | None = None


@dataclass(frozen=True, slots=True)
class Believed:
    """The keys, and where each came from."""

    anchors: Anchors
    source: Mapping[str, str]
    foreign: tuple[str, ...] = ()
    """What lies beside the log and would have one believe somebody whom a pin does not."""

    @property
    def unpinned(self) -> list[str]:
        return [name for name, source in self.source.items() if source == OWN]


def read_pins(pinned: Pinned) -> Pins:
    """What the auditor's files hold. Raises BadPin naming the file."""
    return Pins(
        _pin(pinned.vkey, keyfiles.log_key),
        _pin(pinned.trust, keyfiles.services_keys),
        _pin(pinned.policy, keyfiles.witness_policy),
    )


def believe(files: Files, pinned: Pinned) -> Believed:
    """Raises Unreachable, or ValueError saying which key is missing or wrong."""
    pins = read_pins(pinned)
    found = {name: files.read(name) for name in NAMES}
    paths = zip(NAMES, (pinned.vkey, pinned.trust, pinned.policy), strict=True)
    sources = {name.removeprefix("log."): str(path) if path else OWN for name, path in paths}
    return Believed(pins.anchors(found), sources, pins.foreign(found))


def log_key(files: Files, vkey: Path | None) -> Verifier:
    """The key that signs the log: the auditor's, else the one beside the log. Raises BadPin,
    Unreachable, or ValueError."""
    pins = Pins(_pin(vkey, keyfiles.log_key))
    return pins.log_of({"log.vkey": files.read("log.vkey")})


def _pin(path: Path | None, parse: Callable[[bytes], _Key]) -> _Key | None:
    if path is None:
        return None
    try:
        data = read_regular(path, MAX_TEXT)
        if len(data) > MAX_TEXT:
            raise BadPin(f"{path} is longer than any key file ({MAX_TEXT:,} bytes)")
        return parse(data)
    except OSError as error:
        raise BadPin(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadPin(f"{path}: {error}") from error
