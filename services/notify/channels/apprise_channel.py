"""The hundred other channels, by apprise: only its clear yes counts, anything else is unknown.

Apprise's plugins read proxies, certificates and passwords from the environment, follow redirects
and cannot be stopped once they run. So each message has a process of its own, with an empty
environment, whose connections `apprise_process` guards and which is ended when its time is up."""

import asyncio
import contextlib
import json
import logging
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from apprise import Apprise, NotifyBase

from services.notify.channels import apprise_process
from services.notify.channels.entries import Entry
from services.notify.channels.results import (
    Delivered,
    NobodyKnows,
    NotDelivered,
    Payload,
    Result,
)

TIMEOUT: Final = 10.0
START_WITHIN: Final = 20.0
"""Seconds that the process may take to load apprise, on a machine that is busy."""

_ROOT: Final = Path(__file__).parents[3]
_COMMAND: Final = (sys.executable, "-s", "-P", "-m", apprise_process.__name__)
_MAIL: Final = frozenset({"mailto", "mailtos"})
_UNANSWERED: Final = frozenset(
    {
        "syslog",
        "rsyslog",
        "dbus",
        "qt",
        "kde",
        "glib",
        "gio",
        "gnome",
        "macosx",
        "windows",
        "blink1",
    }
)
"""Channels where no server answers: a message that nobody may ever see would count as sent."""


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    url: str = field(repr=False)
    allow_private: bool
    proxy: str | None = field(repr=False)
    ca_file: str | None
    timeout: float

    @classmethod
    def of(cls, entry: Entry) -> "AppriseChannel":
        """Raises ValueError, without any secret in it, when the entry cannot be used."""
        entry.forbid("secret", kind="a channel of apprise")
        scheme = entry.url.partition("://")[0].lower()
        if scheme in _MAIL:
            raise ValueError("mail goes by smtps:// or smtp://, with from= and to=")
        if scheme in _UNANSWERED:
            raise ValueError(f"{scheme}:// gets no answer, so that nothing proves a delivery")
        if entry.proxy is not None and not entry.proxy.startswith(("http://", "https://")):
            raise ValueError("its proxy is not of the form http://host:port")
        if entry.ca_file is not None:
            entry.trusted()
        _check(entry.url)
        timeout = entry.timeout or TIMEOUT
        return cls(entry.url, entry.allow_private, entry.proxy, entry.ca_file, timeout)

    async def send(self, message: Payload) -> Result:
        order = apprise_process.Order(
            self.url, message.title, message.text, self.allow_private, self.proxy, self.timeout
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *_COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment(self.proxy, self.ca_file),
            )
        except OSError:
            return NotDelivered("The process that sends could not be started.")
        try:
            async with asyncio.timeout(START_WITHIN + self.timeout):
                said, _ = await process.communicate(json.dumps(order._asdict()).encode())
        except (TimeoutError, OSError):
            return NobodyKnows("The channel took too long, or broke.")
        finally:
            with contextlib.suppress(ProcessLookupError):
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if said == apprise_process.DELIVERED:
            return Delivered()
        return NobodyKnows("The channel did not clearly say that it took the message.")


def environment(proxy: str | None, ca_file: str | None) -> dict[str, str]:
    """All that the process is told: what the channels file says, and where our code is."""
    told = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "HOME": os.devnull, "NETRC": os.devnull}
    if proxy is not None:
        told |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
    if ca_file is not None:
        told["REQUESTS_CA_BUNDLE"] = ca_file
    return told


def _check(url: str) -> None:
    logging.getLogger("apprise").disabled = True  # it would say the URL
    channel = Apprise.instantiate(url, asset=apprise_process.ASSET, suppress_exceptions=True)
    if not isinstance(channel, NotifyBase):
        raise ValueError("apprise cannot use its URL; see https://appriseit.com/services/")
    if channel.redirects:
        raise ValueError("a redirect is never followed; take redirect= out of its URL")
    if len(channel) != 1 or channel.retry:
        raise ValueError(
            "it would send more than once for one message (several targets, or retry=); "
            "give it one target, or make several channels"
        )
