"""Whatever secret an entry of the channels file holds, nothing that is said of the entry quotes it:
neither a refusal nor what a channel shows of itself."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notify.channels.entries import LONGEST, Entry
from services.notify.channels.file import channel_of, read
from services.notify.channels.mail import MOST_RECIPIENTS, MailChannel
from services.notify.channels.webhook import WebhookChannel
from tests.examples import examples

SECRETS: Final = st.text("abcdefghijkmnpqrstuvwxyz23456789", min_size=12, max_size=24).map(
    lambda text: f"Zq{text}"
)
"""Long and odd enough to be no part of our own words."""

TO: Final = "from=a@example.org&to=b@example.org"
WHSEC: Final = "whsec_" + base64.b64encode(bytes(24)).decode()

PLACES: Final[dict[str, Callable[[str], object]]] = {
    "whole entry": lambda secret: secret,
    "in a list": lambda secret: [secret],
    "unknown key": lambda secret: {"url": "https://h.example", secret: True},
    "secret of a webhook": lambda secret: {"url": "https://h.example", "secret": secret},
    "path without a secret": lambda secret: f"https://h.example/{secret}",
    "path in clear": lambda secret: {"url": f"http://h.example/{secret}", "secret": WHSEC},
    "wrong port": lambda secret: {"url": f"https://h.example:port/{secret}", "secret": WHSEC},
    "proxy": lambda secret: {
        "url": "https://h.example",
        "secret": WHSEC,
        "proxy": f"socks5://u:{secret}@p",
    },
    "password, no addresses": lambda secret: f"smtps://u:{secret}@mail.example",
    "password, in clear": lambda secret: f"smtp://u:{secret}@mail.example?{TO}&tls=none",
    "password, odd parameter": lambda secret: f"smtps://u:{secret}@m.example?{TO}&x=1",
    "value of a parameter": lambda secret: f"smtps://m.example?{TO}&tls={secret}",
    "name of a parameter": lambda secret: f"smtps://m.example?{TO}&{secret}=1",
    "address": lambda secret: f"smtps://m.example?from=a@example.org&to={secret}",
    "scheme of nobody": lambda secret: f"nonsense://{secret}",
    "mail of apprise": lambda secret: f"mailtos://u:{secret}@example.org",
    "no answer": lambda secret: f"syslog://{secret}",
    "secret of a mail": lambda secret: {"url": f"smtps://m.example?{TO}", "secret": secret},
    "wrong timeout": lambda secret: {"url": f"https://h.example/{secret}", "timeout": secret},
    "wrong flag": lambda secret: {"url": f"https://h.example/{secret}", "allow_private": secret},
    "number for a url": lambda secret: {"url": 7, "secret": secret},
}


@pytest.mark.parametrize("place", PLACES)
@given(secret=SECRETS)
@settings(max_examples=examples(8), deadline=None)
def test_a_refusal_never_quotes_it(place: str, secret: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        channel_of(PLACES[place](secret))
    said = str(refused.value)
    assert secret not in said
    assert "\n" not in said
    assert refused.value.__cause__ is None, "a cause would be shown with it"


@pytest.mark.parametrize("place", PLACES)
@given(secret=SECRETS)
@settings(
    max_examples=examples(4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_nor_does_the_refusal_of_the_file(tmp_path: Path, place: str, secret: str) -> None:
    file = tmp_path / "channels.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"chat": PLACES[place](secret)}))
    with pytest.raises(ValueError, match="chat") as refused:
        read(file)
    assert str(refused.value).startswith(f"{file}: channel 'chat': ")
    assert secret not in str(refused.value)


GOOD: Final[dict[str, Callable[[str], object]]] = {
    "path of a webhook": lambda secret: {"url": f"https://h.example/{secret}", "secret": WHSEC},
    "query of a webhook": lambda secret: {"url": f"https://h.example?k={secret}", "secret": WHSEC},
    "proxy of a webhook": lambda secret: {
        "url": "https://h.example",
        "secret": WHSEC,
        "proxy": f"http://u:{secret}@p.example:8080",
    },
    "user of a mail": lambda secret: f"smtps://{secret}:p@m.example?{TO}",
    "password of a mail": lambda secret: f"smtps://u:{secret}@m.example?{TO}",
}


@pytest.mark.parametrize("place", GOOD)
@given(secret=SECRETS)
@settings(max_examples=examples(8), deadline=None)
def test_nor_does_a_channel_that_is_shown(place: str, secret: str) -> None:
    assert secret not in repr(channel_of(GOOD[place](secret)))


@pytest.mark.parametrize("place", [place for place in GOOD if "webhook" in place])
@given(secret=SECRETS)
@settings(max_examples=examples(8), deadline=None)
def test_nor_does_an_entry_that_is_shown(place: str, secret: str) -> None:
    entry = Entry.model_validate(GOOD[place](secret))
    assert secret not in repr(entry)
    assert WHSEC not in repr(entry)


def webhook(**more: Any) -> dict[str, Any]:
    return {"url": "https://h.example", "secret": WHSEC, **more}


class TestBoundaries:
    @pytest.mark.parametrize("timeout", [0.001, 1, 24.999, LONGEST])
    def test_a_wait_is_taken_up_to_the_longest(self, timeout: float) -> None:
        channel = channel_of(webhook(timeout=timeout))
        assert isinstance(channel, WebhookChannel)
        assert channel.timeout == timeout

    @pytest.mark.parametrize("timeout", [0, -1, LONGEST + 0.001, float("inf"), float("nan")])
    def test_a_wait_beyond_is_refused_by_its_name(self, timeout: float) -> None:
        with pytest.raises(ValueError, match=r"^its 'timeout' is wrong; "):
            channel_of(webhook(timeout=timeout))

    @pytest.mark.parametrize("size", [24, 25, 63, 64])
    def test_a_secret_has_24_to_64_bytes(self, size: int) -> None:
        secret = "whsec_" + base64.b64encode(bytes(size)).decode()
        assert isinstance(channel_of(webhook(secret=secret)), WebhookChannel)

    @pytest.mark.parametrize("size", [0, 1, 23, 65, 1000])
    def test_and_no_fewer_or_more(self, size: int) -> None:
        secret = "whsec_" + base64.b64encode(bytes(size)).decode()
        with pytest.raises(ValueError, match=r"^its 'secret' must be whsec_"):
            channel_of(webhook(secret=secret))

    @pytest.mark.parametrize("length", [1999, 2000])
    def test_a_url_has_up_to_2000_characters(self, length: int) -> None:
        url = "https://h.example/".ljust(length, "x")
        assert isinstance(channel_of(webhook(url=url)), WebhookChannel)
        with pytest.raises(ValueError, match=r"^its 'url' is wrong"):
            channel_of(webhook(url=url.ljust(2001, "x")))

    @pytest.mark.parametrize("count", [1, 2, MOST_RECIPIENTS])
    def test_a_mail_goes_to_so_many_and_no_more(self, count: int) -> None:
        def url(number: int) -> str:
            to = ",".join(f"p{one}@e.org" for one in range(number))
            return f"smtps://m.example?from=a@e.org&to={to}"

        channel = channel_of(url(count))
        assert isinstance(channel, MailChannel)
        assert len(channel.recipients) == count
        with pytest.raises(ValueError, match=r"^its to= names somebody twice, or more than 50"):
            channel_of(url(MOST_RECIPIENTS + 1))
