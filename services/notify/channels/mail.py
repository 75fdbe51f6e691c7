"""Mail, by SMTP: the server's replies decide.

A mail goes to all recipients or to none. When the server refuses one of them, nothing is sent, so
that a second attempt sends it twice to nobody."""

import asyncio
import contextlib
import re
import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from email.utils import format_datetime
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPRecipientRefused, SMTPResponseException

from services.notify.channels.addresses import PrivateAddress, connect
from services.notify.channels.entries import Entry
from services.notify.channels.results import (
    BROKE_OFF,
    NO_CONNECTION,
    Delivered,
    NotDelivered,
    Payload,
    Result,
)
from shared.runtime.process import clock

TIMEOUT: Final = 20.0
BYE_WITHIN: Final = 2.0
SCHEMES: Final = frozenset({"smtp", "smtps"})
MOST_RECIPIENTS: Final = 50

_PORTS: Final = {"smtp": 587, "smtps": 465}
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")
_PARAMETERS: Final = frozenset({"from", "to", "tls"})
_POLICY: Final = MAIL_POLICY.clone(cte_type="7bit")
"""Any server takes seven bits, whatever it says of 8BITMIME."""
_FORM: Final = "smtps://user:password@host?from=a@example.org&to=b@example.org"
_PRIVATE: Final = NotDelivered(
    "The mail server has a private address, and the channels file does not allow that."
)


@dataclass(frozen=True, slots=True)
class MailChannel:
    """One mail server, one sender, and those whom every message goes to."""

    host: str
    port: int
    tls: str
    """`implicit`: from the first byte; `starttls`: before anything is said; `none`."""
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    sender: str
    recipients: tuple[str, ...]
    trusted: ssl.SSLContext
    allow_private: bool
    timeout: float

    @classmethod
    def of(cls, entry: Entry) -> "MailChannel":
        """Raises ValueError, without any secret in it, when the entry cannot be used."""
        entry.forbid("secret", "proxy", kind="a mail channel")
        url, port = _split(entry.url)
        given = _parameters(url.query)
        tls = "implicit" if url.scheme == "smtps" else "starttls"
        if given.get("tls") == "none" and url.scheme == "smtp":
            tls = "none"
            if not entry.allow_private or url.username:
                raise ValueError("tls=none goes with allow_private only, and without a password")
        elif "tls" in given:
            raise ValueError("its tls= can be 'none' only, and with smtp:// only")
        recipients = tuple(given["to"].split(","))
        if not all(map(_ADDRESS.fullmatch, (given["from"], *recipients))):
            raise ValueError("its from= and to= must be plain ASCII addresses, to= with commas")
        if len(set(recipients)) != len(recipients) or len(recipients) > MOST_RECIPIENTS:
            raise ValueError(f"its to= names somebody twice, or more than {MOST_RECIPIENTS}")
        return cls(
            url.hostname or "",
            port or _PORTS[url.scheme],
            tls,
            unquote(url.username) if url.username else None,
            unquote(url.password) if url.password else None,
            given["from"],
            recipients,
            entry.trusted(),
            entry.allow_private,
            entry.timeout or TIMEOUT,
        )

    async def send(self, message: Payload) -> Result:
        try:
            mail = mail_of(message, self.sender, self.recipients)
        except ValueError:
            return NotDelivered("The message cannot be written as a mail.")
        client = None
        try:
            async with asyncio.timeout(self.timeout):
                client = await self._connected()
                refusal = await self._envelope(client)
        except PrivateAddress:
            return _PRIVATE
        except SMTPResponseException as refused:
            return _refused(refused.code)
        except (SMTPException, OSError, ValueError):
            return NO_CONNECTION
        else:
            return refusal or await self._data(client, mail)
        finally:
            if client is not None:
                await _leave(client)

    async def _connected(self) -> SMTP:
        """A client that the server has greeted and, where there is a user, logged in. The name
        that it greets with is the sender's domain, not that of this machine."""
        connected = await connect(self.host, self.port, allow_private=self.allow_private)
        client = SMTP(
            hostname=self.host,
            sock=connected,
            local_hostname=self.sender.rpartition("@")[2],
            timeout=self.timeout,
            use_tls=self.tls == "implicit",
            start_tls=self.tls == "starttls",
            tls_context=self.trusted,
            username=self.user,
            password=self.password,
        )
        try:
            await client.connect()
            await client.ehlo()
        except BaseException:
            client.close()
            connected.close()
            raise
        return client

    async def _envelope(self, client: SMTP) -> NotDelivered | None:
        """Names sender and recipients; None when the server takes all of them."""
        await client.mail(self.sender)
        codes = []
        for recipient in self.recipients:
            try:
                await client.rcpt(recipient)
            except SMTPRecipientRefused as refused:
                codes.append(refused.code)
        if not codes:
            return None
        return NotDelivered(
            f"The mail server answered {max(codes)} to {len(codes)} of {len(self.recipients)} "
            "recipients; the message was sent to nobody."
        )

    async def _data(self, client: SMTP, mail: bytes) -> Result:
        """From here on only the server's own refusal proves that it did not take the message."""
        try:
            async with asyncio.timeout(self.timeout):
                await client.data(mail)
        except SMTPResponseException as refused:
            return _refused(refused.code) if 400 <= refused.code < 600 else BROKE_OFF
        except (SMTPException, OSError, ValueError):
            return BROKE_OFF
        return Delivered()


def mail_of(message: Payload, sender: str, recipients: tuple[str, ...]) -> bytes:
    """The mail as it goes over the wire. Its Message-ID is the same for every attempt; several
    recipients do not see each other."""
    mail = EmailMessage(_POLICY)
    mail["From"] = Address(addr_spec=sender)
    mail["To"] = recipients[0] if len(recipients) == 1 else "undisclosed-recipients:;"
    mail["Subject"] = message.title
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail.as_bytes()


def _refused(code: int) -> NotDelivered:
    if 400 <= code < 600:
        return NotDelivered(f"The mail server answered {code}.")
    return NO_CONNECTION


async def _leave(client: SMTP) -> None:
    """The outcome is known by now: a server that does not take leave changes nothing."""
    with contextlib.suppress(SMTPException, OSError):
        if client.is_connected:
            await client.quit(timeout=BYE_WITHIN)
    client.close()


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(f"its url is not of the form {_FORM}") from None
    if not url.hostname or url.path not in {"", "/"} or url.fragment:
        raise ValueError(f"its url is not of the form {_FORM}")
    return url, port


def _parameters(query: str) -> dict[str, str]:
    given = parse_qs(query.replace("+", "%2B"), keep_blank_values=True)
    if not given.keys() <= _PARAMETERS or any(len(values) > 1 for values in given.values()):
        raise ValueError("its url takes from=, to= and tls= behind the '?', each once")
    if not {"from", "to"} <= given.keys():
        raise ValueError(f"its url needs from= and to=, as in {_FORM}")
    return {name: values[0] for name, values in given.items()}
