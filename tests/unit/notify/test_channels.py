"""The channels file: which entries are usable, and that no message about it holds a secret."""

import base64
import json
import logging
import logging.handlers
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from services.notify.channels.apprise_channel import AppriseChannel
from services.notify.channels.entries import trusted
from services.notify.channels.file import Channels, channel_of
from services.notify.channels.mail import MailChannel
from services.notify.channels.results import NO_CONNECTION, NotDelivered, Payload
from services.notify.channels.webhook import WebhookChannel
from services.notify.settings import NotifySettings
from shared.runtime.process.settings import load

SECRET = "hunter2"
WHSEC = "whsec_" + base64.b64encode(bytes(24)).decode()
MESSAGE = Payload(UUID(int=7), "title", "text")
TO = "from=a@example.org&to=b@example.org"
LOCAL = {"url": "http://127.0.0.1:9/", "secret": WHSEC, "allow_private": True}


def write(file: Path, entries: object, mode: int = 0o600) -> Path:
    text = entries if isinstance(entries, str) else json.dumps(entries)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"url": "https://chat.example/hook", "secret": WHSEC}, WebhookChannel),
        ({"url": "HTTPS://chat.example", "secret": WHSEC, "timeout": 5}, WebhookChannel),
        (LOCAL, WebhookChannel),
        ({"url": "https://x.example", "secret": WHSEC, "proxy": "http://p:8080"}, WebhookChannel),
        (f"smtps://u:p%40ss@mail.example?{TO}", MailChannel),
        (f"smtp://mail.example:25?{TO},c@example.org", MailChannel),
        ({"url": f"smtp://mail.example?{TO}&tls=none", "allow_private": True}, MailChannel),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#incidents", AppriseChannel),
        ({"url": "json://chat.example", "proxy": "http://p:8080"}, AppriseChannel),
    ],
    ids=str,
)
def test_the_scheme_says_of_which_kind_a_channel_is(entry: object, kind: type) -> None:
    channel = channel_of(entry)
    assert isinstance(channel, kind)
    for secret in (WHSEC, "p%40ss", "p@ss", "TIiajkdnlazkcOXrIdevi7FQ"):
        assert secret not in repr(channel)


def test_a_mail_channel_is_read_from_its_url() -> None:
    channel = channel_of(f"smtps://u%40x:p%2Bs@Mail.Example:2465?{TO},b+tag@example.org")
    assert isinstance(channel, MailChannel)
    assert (channel.host, channel.port, channel.tls) == ("mail.example", 2465, "implicit")
    assert (channel.user, channel.password, channel.sender) == ("u@x", "p+s", "a@example.org")
    assert channel.recipients == ("b@example.org", "b+tag@example.org")


@pytest.mark.parametrize(
    ("url", "port", "tls"), [("smtp://m", 587, "starttls"), ("smtps://m", 465, "implicit")]
)
def test_mail_is_encrypted_unless_told_otherwise(url: str, port: int, tls: str) -> None:
    channel = channel_of(f"{url}?{TO}")
    assert isinstance(channel, MailChannel)
    assert (channel.port, channel.tls) == (port, tls)


def web(**more: object) -> dict[str, Any]:
    return {"url": f"https://{SECRET}.example/", "secret": WHSEC} | more


WRONG: list[tuple[object, str]] = [
    (7, "it is a URL or an object with 'url'"),
    ([SECRET], "it is a URL or an object with 'url'"),
    ({}, "its 'url' is wrong"),
    ({"url": ""}, "its 'url' is wrong"),
    ({"url": 7}, "its 'url' is wrong"),
    (web(allow_private="yes"), "its 'allow_private' is wrong"),
    (web(allow_private=1), "its 'allow_private' is wrong"),
    (web(timeout=0), "its 'timeout' is wrong"),
    (web(timeout=26), "its 'timeout' is wrong"),
    (web(**{SECRET: True}), "it is a URL or an object with 'url'"),
    (f"https://{SECRET}.example/", "a webhook needs a 'secret': whsec_"),
    (web(secret=SECRET), "its 'secret' must be whsec_"),
    (web(secret="whsec_" + base64.b64encode(bytes(23)).decode()), "its 'secret' must be whsec_"),
    (web(secret="whsec_" + base64.b64encode(bytes(65)).decode()), "its 'secret' must be whsec_"),
    (web(secret=f"whsec_{SECRET}é"), "its 'secret' must be whsec_"),
    (web(url=f"http://{SECRET}.example/"), "a text must not cross the internet in clear"),
    (web(url=f"https:///{SECRET}"), "its url is not of the form https://host/path"),
    (web(url=f"https://h:port/{SECRET}"), "its url is not of the form https://host/path"),
    (web(proxy=f"socks5://{SECRET}"), "its proxy is not of the form"),
    (web(ca_file="/nowhere.pem"), "its ca_file /nowhere.pem is not a readable PEM file"),
    ({"url": f"smtps://m?{TO}", "secret": SECRET}, "a mail channel takes no 'secret'"),
    ({"url": f"smtps://m?{TO}", "proxy": SECRET}, "a mail channel takes no 'proxy'"),
    (f"smtps://u:{SECRET}@mail.example", "its url needs from= and to="),
    (f"smtps://u:{SECRET}@m?{TO}&cc=x@example.org", "its url takes from=, to= and tls="),
    (f"smtps://u:{SECRET}@m?{TO}&to=x@example.org", "its url takes from=, to= and tls="),
    (f"smtps://u:{SECRET}@m:port?{TO}", "its url is not of the form smtps://"),
    (f"smtps://u:{SECRET}@m/path?{TO}", "its url is not of the form smtps://"),
    (f"smtps://?{TO}&{SECRET}", "its url is not of the form smtps://"),
    (f"smtps://u:{SECRET}@m?{TO},", "its from= and to= must be plain ASCII addresses"),
    (f"smtps://u:{SECRET}@m?{TO},ä@example.org", "its from= and to= must be plain ASCII"),
    (f"smtps://u:{SECRET}@m?{TO},x@example.org%0d%0aDATA", "its from= and to= must be plain"),
    (f"smtps://u:{SECRET}@m?{TO},b@example.org", "its to= names somebody twice"),
    (f"smtps://u:{SECRET}@m?{TO}&tls=none", "its tls= can be 'none' only, and with smtp://"),
    (f"smtp://u:{SECRET}@m?{TO}&tls=maybe", "its tls= can be 'none' only"),
    (f"smtp://m?{TO}&tls=none", "tls=none goes with allow_private only"),
    (
        {"url": f"smtp://u:{SECRET}@m?{TO}&tls=none", "allow_private": True},
        "tls=none goes with allow_private only, and without a password",
    ),
    (f"mailtos://u:{SECRET}@example.org", "mail goes by smtps:// or smtp://"),
    (f"syslog://{SECRET}", "syslog:// gets no answer"),
    (f"nonsense://{SECRET}", "apprise cannot use its URL"),
    (SECRET, "apprise cannot use its URL"),
    (f"json://u:{SECRET}@h/?redirect=yes", "a redirect is never followed"),
    (f"json://u:{SECRET}@h/?retry=2", "it would send more than once"),
    (f"tgram://123456789:{'a' * 35}/1/2", "it would send more than once"),
    ({"url": "json://h", "secret": SECRET}, "a channel of apprise takes no 'secret'"),
    ({"url": "json://h", "proxy": SECRET}, "its proxy is not of the form http://host:port"),
    ({"url": "json://h", "ca_file": "/nowhere.pem"}, "its ca_file /nowhere.pem is not"),
]


@pytest.mark.parametrize(("entry", "said"), WRONG, ids=str)
def test_an_entry_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, entry: object, said: str
) -> None:
    file = write(tmp_path / "channels.json", {"chat": entry})
    with pytest.raises(ValueError, match="chat") as error:
        Channels(file)
    assert str(error.value).startswith(f"{file}: channel 'chat': {said}")
    assert SECRET not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("entries", "mode", "said"),
    [
        ({"chat": LOCAL}, 0o604, "everybody on this machine can read {file}, which holds "),
        ({"chat": LOCAL}, 0o602, "everybody on this machine can read {file}, which holds "),
        (f"chat = {SECRET}", 0o600, "{file} is not JSON, must be "),
        ([SECRET], 0o600, "{file} must be one JSON object, "),
        ({"": LOCAL}, 0o600, "{file}: a channel's name has 1 to 200 characters"),
        ({"x" * 201: LOCAL}, 0o600, "{file}: a channel's name has 1 to 200 characters"),
        (f'{{"a": "{SECRET}", "a": "{SECRET}"}}', 0o600, "{file} has a name twice in one object"),
        (f'{{"a": {{"url": "{SECRET}", "url": ""}}}}', 0o600, "{file} has a name twice in one"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_remedy(
    tmp_path: Path, entries: object, mode: int, said: str
) -> None:
    file = write(tmp_path / "channels.json", entries, mode)
    with pytest.raises(ValueError, match="channel") as error:
        Channels(file)
    assert str(error.value).startswith(said.format(file=file))
    assert SECRET not in str(error.value)


def test_a_service_with_a_broken_file_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "channels.json", f"not json: {SECRET}")
    monkeypatch.setenv("LEDGER_CHANNELS_FILE", str(file))
    with pytest.raises(SystemExit):
        load(NotifySettings)
    said = capsys.readouterr().err
    assert f"LEDGER_CHANNELS_FILE: {file} is not JSON" in said
    assert SECRET not in said


def test_the_file_is_taken_up_again_when_it_changes(tmp_path: Path) -> None:
    file = write(tmp_path / "channels.json", {"chat": LOCAL})
    channels = Channels(file)
    write(file, {"chat": LOCAL, "pager": LOCAL})
    os.utime(file, ns=(1, 1))
    assert channels.names == {"chat", "pager"}


def test_a_change_that_breaks_it_leaves_the_channels_as_they_were(tmp_path: Path) -> None:
    file = write(tmp_path / "channels.json", {"chat": LOCAL})
    channels = Channels(file)
    write(file, SECRET)
    os.utime(file, ns=(1, 1))
    with capture_logs() as logged:
        assert channels.names == {"chat"}
    assert SECRET not in str(logged)
    assert str(file) in logged[0]["error"]


async def test_a_message_for_a_channel_that_is_gone_was_not_sent(tmp_path: Path) -> None:
    channels = Channels(write(tmp_path / "channels.json", {}))
    assert isinstance(await channels.send("chat", MESSAGE), NotDelivered)


@pytest.mark.parametrize(
    "entry",
    [
        {**LOCAL, "url": f"http://u:{SECRET}@127.0.0.1:9/{SECRET}"},
        {"url": f"smtps://u:{SECRET}@127.0.0.1:9?{TO}", "allow_private": True},
        {"url": f"json://u:{SECRET}@127.0.0.1:9/{SECRET}", "allow_private": True},
    ],
    ids=["webhook", "mail", "apprise"],
)
async def test_no_channel_says_a_secret_in_our_log(tmp_path: Path, entry: object) -> None:
    channels = Channels(write(tmp_path / "channels.json", {"chat": entry}))
    ours = logging.handlers.BufferingHandler(1000)
    logging.getLogger().addHandler(ours)
    try:
        result = await channels.send("chat", MESSAGE)
        logging.getLogger("services").warning("heard")
    finally:
        logging.getLogger().removeHandler(ours)
    said = [record.getMessage() for record in ours.buffer]
    assert "heard" in said
    assert SECRET not in str((said, result))


async def test_nobody_listening_is_certain(tmp_path: Path) -> None:
    channels = Channels(write(tmp_path / "channels.json", {"chat": LOCAL}))
    assert await channels.send("chat", MESSAGE) == NO_CONNECTION


def test_tls_trusts_the_public_authorities_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "none.pem"
    empty.write_text("", encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    trusted.cache_clear()
    context = trusted(None)
    assert context.cert_store_stats()["x509_ca"] > 50
    assert context.check_hostname
    assert not (tmp_path / "keys").exists()
    with pytest.raises(ValueError, match=r"none\.pem is not a readable PEM file"):
        trusted(str(empty))
