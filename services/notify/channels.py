"""The channels that messages go out by: their names and apprise URLs, from a file that this service
alone can read.

Sending says one of three things: delivered; certainly not delivered, so that it can be tried again;
or nobody can tell, so that a person has to find out. What is not known to have been refused counts
as the third. No URL, nor anything a server answered, enters what is said: URLs hold passwords and
tokens."""

import json
import logging
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import structlog
from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, PersistentStoreMode

ANSWER_WITHIN: Final = 10.0
"""Seconds a server has to answer, unless the channel's URL says otherwise (`?rto=`)."""

_ASSET: Final = AppriseAsset(
    app_id="incident-ledger",
    app_desc="Incident ledger",
    storage_mode=PersistentStoreMode.MEMORY,
    secure_logging=True,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel took the message."""


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """The channel certainly did not take the message."""

    error: str


@dataclass(frozen=True, slots=True)
class NobodyKnows:
    """The message may or may not have gone out."""

    reason: str


Result: TypeAlias = Delivered | NotDelivered | NobodyKnows


class Channels:
    """Channels by name. Raises ValueError, naming what is wrong, when the file cannot be used;
    later changes of it are taken up."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at, self._urls = _stamp(file), _read(file)
        _keep_quiet()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._current())

    def send(self, name: str, title: str, text: str) -> Result:
        """Sends one message once; waits for the answer. Runs in a thread of the caller's."""
        url = self._current().get(name)
        if url is None:
            return NotDelivered("The channel is not set up any more.")
        sending = Apprise(asset=_ASSET)
        sending.add(_channel(url))
        result = sending.notify(
            body=text, title=title, body_format=NotifyFormat.TEXT, log_level=logging.DEBUG
        )
        if result:
            return Delivered()
        return why_not(entry.message for service in result.results for entry in service.logs())

    def _current(self) -> Mapping[str, str]:
        try:
            if (stamp := _stamp(self._file)) != self._read_at:
                self._read_at, self._urls = stamp, _read(self._file)
        except (OSError, ValueError) as error:
            log.error(
                "the channels file cannot be used any more; the channels stay as they were",
                error=str(error),
            )
        return self._urls


_ANSWERED: Final = re.compile(r"\berror=(\d{3})\b")
_GATEWAY: Final = frozenset({408, 502, 504, *range(520, 528)})
"""Statuses that say that somebody waited in vain for an answer, not that the message was
refused."""
_MAIL_ANSWERED: Final = re.compile(r"\((\d{3}), b['\"]")
_MAIL_PARTLY: Final = re.compile(r"^SMTP recipient .* was refused")
_NEVER_CONNECTED: Final = re.compile(
    r"Connection error while submitting email"
    r"|NewConnectionError|ConnectTimeoutError|NameResolutionError|ProxyError|SSLCertVerificationError"
)


def why_not(said: Iterable[str]) -> NotDelivered | NobodyKnows:
    """What apprise's log of a failed sending proves."""
    lines = list(said)
    if any(_MAIL_PARTLY.search(line) for line in lines):
        return NobodyKnows("The mail server refused some of the recipients.")
    for line in lines:
        if found := _ANSWERED.search(line):
            return _answered(int(found[1]))
        if found := _MAIL_ANSWERED.search(line):
            return NotDelivered(f"The mail server answered {found[1]}.")
    if any(_NEVER_CONNECTED.search(line) for line in lines):
        return NotDelivered("There was no connection to the channel.")
    return NobodyKnows(
        "The connection broke, or nobody answered, after the message may have been sent."
    )


def _keep_quiet() -> None:
    """What apprise logs names hosts and paths, so it stays here; all of it is kept for `why_not`,
    down to the last detail."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _answered(status: int) -> NotDelivered | NobodyKnows:
    if status in _GATEWAY:
        return NobodyKnows(
            f"A gateway answered HTTP {status}: what stands behind it may have taken the message."
        )
    return NotDelivered(f"The channel answered HTTP {status}.")


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_ino


def _read(file: Path) -> Mapping[str, str]:
    if file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(
            f"everybody on this machine can read {file}, which holds passwords: chmod 600 {file}"
        )
    try:
        urls = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"{file} cannot be read ({error.strerror}): give it to the user that runs notify"
        ) from error
    except ValueError:
        # Without the error's own words, which may quote the file.
        raise ValueError(f'{file} is not JSON, must be {{"channel name": "apprise URL"}}') from None
    if not isinstance(urls, dict) or not all(isinstance(url, str) for url in urls.values()):
        raise ValueError(f'{file} must be one JSON object, {{"channel name": "apprise URL"}}')
    for name, url in urls.items():
        try:
            _check(name, url)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
    return urls


def _check(name: str, url: str) -> None:
    if not 1 <= len(name) <= 200:
        raise ValueError("a channel's name has 1 to 200 characters")
    try:
        channel = _channel(url)
    except ValueError as error:
        raise ValueError(f"channel {name!r}: {error}") from error
    if len(channel) != 1:
        raise ValueError(
            f"channel {name!r} would send more than once for one message (several targets, or retry=); "
            "give it one target, for many people a mailing list, or make several channels"
        )


def _channel(url: str) -> NotifyBase:
    channel = Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
    if not isinstance(channel, NotifyBase):
        raise ValueError("apprise cannot use its URL; see https://appriseit.com/services/")
    if channel.socket_read_timeout == NotifyBase.socket_read_timeout:
        channel.socket_read_timeout = ANSWER_WITHIN
    return channel
