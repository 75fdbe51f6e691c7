"""The channels that messages go out by: the file of their names and URLs, which this service alone
can read. `CHANNELS.md` describes it.

No message about the file quotes it: URLs hold passwords and tokens."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog
from pydantic import ValidationError

from services.notify.channels.apprise_channel import AppriseChannel
from services.notify.channels.entries import LONGEST, Entry
from services.notify.channels.mail import SCHEMES as MAIL
from services.notify.channels.mail import MailChannel
from services.notify.channels.results import Channel, NotDelivered, Payload, Result
from services.notify.channels.webhook import SCHEMES as WEB
from services.notify.channels.webhook import WebhookChannel

FORM: Final = '{"channel name": "URL" or {"url": …, "secret": …}}'
_KEYS: Final = (
    "it is a URL or an object with 'url' and, where needed, 'secret', 'allow_private' (true), "
    f"'proxy', 'ca_file', 'timeout' (up to {LONGEST:.0f} seconds)"
)

log = structlog.get_logger(__name__)


class Channels:
    """Channels by name. Raises ValueError, naming what is wrong, when the file cannot be used;
    later changes of it are taken up."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at, self._channels = _stamp(file), read(file)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._current())

    async def send(self, name: str, message: Payload) -> Result:
        """Sends one message once; waits for the answer."""
        channel = self._current().get(name)
        if channel is None:
            return NotDelivered("The channel is not set up any more.")
        return await channel.send(message)

    def _current(self) -> Mapping[str, Channel]:
        try:
            if (stamp := _stamp(self._file)) != self._read_at:
                self._read_at, self._channels = stamp, read(self._file)
        except (OSError, ValueError) as error:
            log.error(
                "the channels file cannot be used any more; the channels stay as they were",
                error=str(error),
            )
        return self._channels


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_ino


def read(file: Path) -> Mapping[str, Channel]:
    """Raises ValueError, in one line, with file, channel and remedy."""
    if file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(
            f"everybody on this machine can read {file}, which holds passwords: chmod 600 {file}"
        )
    try:
        entries = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise ValueError(
            f"{file} cannot be read ({error.strerror}): give it to the user that runs notify"
        ) from error
    except _Twice:
        raise ValueError(f"{file} has a name twice in one object; give each once") from None
    except ValueError:
        # Without the error's own words, which may quote the file.
        raise ValueError(f"{file} is not JSON, must be {FORM}") from None
    if not isinstance(entries, dict):
        raise ValueError(f"{file} must be one JSON object, {FORM}")
    channels = {}
    for name, entry in entries.items():
        if not 1 <= len(name) <= 200:
            raise ValueError(f"{file}: a channel's name has 1 to 200 characters")
        try:
            channels[name] = channel_of(entry)
        except ValueError as error:
            raise ValueError(f"{file}: channel {name!r}: {error}") from None
    return channels


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(made := dict(pairs)) != len(pairs):
        raise _Twice
    return made


def channel_of(written: object) -> Channel:
    """The channel that an entry describes; its URL's scheme says of which kind. Raises ValueError,
    without any secret in it."""
    try:
        entry = Entry.model_validate({"url": written} if isinstance(written, str) else written)
    except ValidationError as error:
        # Not the keys that are there: one may be a secret in the wrong place.
        where = {str(place[0]) for one in error.errors() if (place := one["loc"])}
        wrong = sorted(where & Entry.model_fields.keys())
        raise ValueError(f"its {wrong[0]!r} is wrong; {_KEYS}" if wrong else _KEYS) from None
    scheme = entry.url.partition("://")[0].lower()
    if scheme in WEB:
        return WebhookChannel.of(entry)
    if scheme in MAIL:
        return MailChannel.of(entry)
    return AppriseChannel.of(entry)
