"""Which texts each kind of reader sees: the table, what may be withheld besides, and what a command
refuses."""

import pytest

from deploy.ledger.check.rules import kind_of
from shared.audit.texts.readers import (
    KINDS,
    PRIVILEGED,
    WITHOUT,
    BadReader,
    Reader,
    Showing,
    shown_of,
    withholdable,
)
from shared.contract.catalogue import EVENTS, short_name
from shared.contract.catalogue.review import TextKind
from shared.contract.catalogue.system import SystemRecord
from shared.contract.disclosure import confidential_names
from shared.contract.envelope import Event, Unknown
from tests.unit.audit.readers_world import PERSON, showing
from tests.unit.audit.world import Ledger, incident_number, two_stories

STORY = incident_number(1)
LEDGER = two_stories()


def fields_shown(chosen: Showing, ledger: Ledger = LEDGER) -> set[str]:
    events = {event.id: event for event in ledger.of(STORY)}
    shown = shown_of(list(events.values()), ledger.texts, chosen)
    return {
        f"{short_name(events[event].type)}.{one.named()[0]}"
        for event, texts in shown.items()
        for one in texts
    }


EVERYTHING = fields_shown(showing(Reader.COURT))


def test_every_reader_has_a_row() -> None:
    assert KINDS.keys() == WITHOUT.keys() == set(Reader)
    assert all(withheld <= withholdable() for withheld in WITHOUT.values())


def test_every_event_with_texts_has_a_kind_or_is_about_the_record() -> None:
    for event in EVENTS:
        if list(confidential_names(event)) and not issubclass(event, SystemRecord):
            assert kind_of(event) in TextKind, event.TYPE


def test_an_auditor_sees_nothing_and_need_not_be_asked_for() -> None:
    assert fields_shown(showing(Reader.AUDITOR)) == set()
    assert showing(Reader.AUDITOR).nothing
    assert not any(showing(reader).nothing for reader in set(Reader) - {Reader.AUDITOR})


def test_a_court_sees_everything() -> None:
    said = {
        f"{short_name(event.type)}.{one.named()[0]}"
        for event in LEDGER.of(STORY)
        for one in LEDGER.texts[event.id]
    }
    assert said == EVERYTHING
    assert "legal_view_given.ground" in EVERYTHING


def test_legal_advice_stays_inside_its_privilege() -> None:
    assert EVERYTHING - fields_shown(showing(Reader.INTERNAL)) == {"legal_view_given.ground"}
    assert not PRIVILEGED & fields_shown(showing(Reader.GUEST))


def test_a_guest_sees_neither_the_report_nor_what_is_thought_of_it() -> None:
    seen = {one.partition(".")[0] for one in fields_shown(showing(Reader.GUEST))}
    assert seen == {"fact_recorded", "action_proposed", "communication_drafted"}


def test_an_employee_sees_what_that_person_reported_and_nobody_elses_words() -> None:
    own = fields_shown(showing(Reader.EMPLOYEE))
    assert own == {"reported.description", "reported.platform_name"}
    other = Showing(Reader.EMPLOYEE, kind_of, person="somebody-else")
    assert fields_shown(other) == set()


@pytest.mark.parametrize(
    ("withheld", "gone"),
    [
        ("action_proposed.target", {"action_proposed.target"}),
        ("target", {"action_proposed.target"}),
        ("fact_recorded", {"fact_recorded.value", "fact_recorded.source"}),
        ("source", {"fact_recorded.source"}),
        ("platform_name", {"reported.platform_name", "assessed.platform_name"}),
        ("reported.platform_name", {"reported.platform_name"}),
    ],
)
def test_what_is_withheld_is_gone_and_nothing_else(withheld: str, gone: set[str]) -> None:
    assert EVERYTHING - fields_shown(showing(Reader.COURT, withheld)) == gone


@pytest.mark.parametrize("name", ["", "everything", "reported.", ".description", "reported.target"])
def test_a_field_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(BadReader, match="--withhold"):
        showing(Reader.COURT, name)


def test_withholding_never_adds() -> None:
    for reader in Reader:
        for name in ("target", "fact_recorded", "description"):
            assert fields_shown(showing(reader, name)) <= fields_shown(showing(reader))


@pytest.mark.parametrize("reader", Reader)
def test_a_person_belongs_to_an_employee(reader: Reader) -> None:
    person = None if reader is Reader.EMPLOYEE else PERSON
    with pytest.raises(BadReader, match="--person"):
        Showing(reader, kind_of, person=person)


def test_of_an_event_that_this_reader_does_not_know_nothing_is_shown() -> None:
    event = LEDGER.of(STORY)[0]
    unknown = event._replace(
        data=Unknown({"_sd": [one.digest for one in LEDGER.texts[event.id]]}, "new")
    )
    assert showing(Reader.COURT).of(event, LEDGER.texts[event.id])
    assert showing(Reader.COURT).of(unknown, LEDGER.texts[event.id]) == ()


def test_a_text_whose_digest_the_event_has_not_is_left_out() -> None:
    one, other = (event for event in LEDGER.of(STORY)[1:3])
    assert isinstance(one, Event)
    assert showing(Reader.COURT).of(one, LEDGER.texts[other.id]) == ()
