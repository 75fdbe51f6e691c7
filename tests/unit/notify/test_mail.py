"""Mails as they go over the wire."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.channels.mail import mail_of
from services.notify.channels.results import Payload

ID = UUID(int=7)
LEAD = ("lead@example.org",)

visible = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" "), min_size=1
).map(lambda text: " ".join(text.split()))


def wire(title: str = "A photo", text: str = "It is gone.", to: tuple[str, ...] = LEAD) -> bytes:
    return mail_of(Payload(ID, title, text), "ledger@example.org", to)


def parsed(mail: bytes) -> EmailMessage:
    message = message_from_bytes(mail, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_id_is_the_same_for_every_attempt() -> None:
    first, second = parsed(wire()), parsed(wire())
    assert first["Message-ID"] == second["Message-ID"] == f"<{ID}@example.org>"
    assert first["From"] == "ledger@example.org"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Date"].datetime.tzinfo is not None


def test_one_recipient_is_named_and_several_do_not_see_each_other() -> None:
    assert parsed(wire())["To"] == "lead@example.org"
    several = wire(to=("a@example.org", "b@example.org"))
    assert b"a@example.org" not in several
    assert parsed(several)["To"] == "undisclosed-recipients:;"


@pytest.mark.parametrize(
    "title",
    [
        "Größere Veröffentlichung vertraulicher Entwürfe für die Öffentlichkeitsarbeit " * 3,
        "機密情報の漏洩に関するお知らせ" * 12,
        "🔥" * 60,
        "word " * 60,
        "x" * 300,
    ],
    ids=["latin", "no spaces", "beyond the plane", "ascii", "one word"],
)
def test_a_long_subject_folds_and_reads_as_it_was_written(title: str) -> None:
    mail = wire(title=title.strip())
    head = mail.partition(b"\r\n\r\n")[0]
    assert parsed(mail)["Subject"] == title.strip()
    assert max(len(line) for line in head.split(b"\r\n")) <= 998
    assert head.isascii()


@given(visible.filter(bool), st.text(st.characters(codec="utf-8", exclude_categories=("C",))))
def test_any_text_arrives_in_seven_bits_and_lines_that_fit(title: str, text: str) -> None:
    mail = wire(title, text)
    assert mail.isascii()
    assert all(len(line) <= 998 and b"\n" not in line for line in mail.split(b"\r\n"))
    assert parsed(mail).get_content().removesuffix("\r\n").removesuffix("\n") == text
    assert parsed(mail)["Subject"] == title


@pytest.mark.parametrize("title", ["A\r\nBcc: eve@example.org", "A\nB", "A\rB"])
def test_a_title_makes_no_header_of_its_own(title: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        wire(title=title)
