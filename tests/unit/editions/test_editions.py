"""Tables change, history does not: every event is held against the tables of its own edition."""

import ast
import importlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import services
from services.review import audit as review_audit
from services.review import domain as review
from services.review.domain.state import UnderReview
from services.review.editions import publication
from services.triage import audit as triage_audit
from services.triage.domain import severity
from services.triage.domain import tables as triage_tables
from shared.audit.decisions import ENOUGH
from shared.contract.catalogue.review import FindingRecorded, Reviewed, ReviewOpened
from shared.contract.decision import Actor, Context
from shared.contract.editions import Editions, UnknownEdition
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName
from tests.unit.editions import record
from tests.unit.editions.tables import EDITIONS, changed, each_changed, put
from tests.unit.editions.telling import Telling, found

OLD = [
    pytest.param(events, id=f"{log.stem}-{subject[:8]}")
    for log in record.logs()
    for subject, events in record.incidents(log).items()
]
EACH = [
    pytest.param(service, tables, id=f"{service}-{name}")
    for service in ServiceName
    for name, tables in each_changed(service)
]
NEWER = 7


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table of every service is another one in the newest edition."""
    for service, editions in EDITIONS.items():
        put(monkeypatch, service, editions.newest + 1, changed(service))


def newest(service: ServiceName) -> int:
    return EDITIONS[service].newest


def later(event: Event, edition: int = NEWER) -> Event:
    return event._replace(rules=edition)


class TestEditions:
    def test_the_newest_is_the_one_with_the_highest_number(self) -> None:
        editions = Editions({2: "two", 1: "one"})
        assert (editions.newest, editions.under(), editions.under(1)) == (2, "two", "one")

    @pytest.mark.parametrize(
        ("known", "words"),
        [
            ({1: ""}, "decided under edition 3; this build knows 1"),
            ({2: "", 1: ""}, "decided under edition 3; this build knows 1 and 2"),
        ],
    )
    def test_one_that_is_not_known_is_refused_by_its_number(
        self, known: dict[int, str], words: str
    ) -> None:
        with pytest.raises(UnknownEdition) as refused:
            Editions(known).under(3)
        assert (refused.value.rule, refused.value.detail) == ("edition_unknown", words)


class TestTablesThatAreThere:
    @pytest.mark.parametrize("service", ServiceName)
    def test_do_not_change(self, service: ServiceName) -> None:
        """What was decided under them is held against them for ever."""
        known = record.recorded()[service]
        there = {str(one): record.digest(service, one) for one in EDITIONS[service].tables}
        assert there == known, (
            f"The tables of {service} are not those that events were decided under. Put them back "
            "as they were, give what is to change to a new edition in EDITIONS of "
            f"services/{service}/domain/tables.py (`2: replace(…)` of the one before), and record "
            "it with `python -m tests.unit.editions.record`."
        )

    def test_the_kind_of_a_text_stays(self) -> None:
        """Erasures by retention name kinds and are held to them; a new type is a new row."""
        known = json.loads(record.KINDS.read_text())
        assert {name: record.kinds().get(name) for name in known} == known

    def test_are_read_by_their_edition_alone(self) -> None:
        """Nothing outside the tables imports a table by its name, as it was in one edition."""
        values = {
            id(getattr(grading_or_tables, name)): name
            for editions in EDITIONS.values()
            for tables in editions.tables.values()
            for grading_or_tables in (tables, getattr(tables, "grading", tables))
            for name in type(grading_or_tables).__slots__
        }
        raw = {
            name
            for module in _modules_with_tables()
            for name, value in vars(module).items()
            if id(value) in values and name.isupper()
        }
        assert {"GATES", "DUTIES", "CLOSURE", "CLOCKS_DIFFER", "HARM", "BACKOFF"} <= raw
        assert [(path, raw & names) for path, names in _imported() if raw & names] == []


def _modules_with_tables() -> Iterator[Any]:
    for service in ServiceName:
        yield importlib.import_module(f"services.{service}.domain.tables")
    yield severity


def _imported() -> Iterator[tuple[str, set[str]]]:
    """Per module of the services: what it imports from a module of tables."""
    root = Path(next(iter(services.__path__)))
    for path in root.rglob("*.py"):
        if path.name == "tables.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(
                (".domain.tables", ".domain.severity")
            ):
                yield str(path.relative_to(root)), {alias.name for alias in node.names}


class TestAnOldLog:
    @pytest.mark.parametrize("events", OLD)
    def test_is_clean(self, events: list[Event]) -> None:
        assert found(events) == []

    @pytest.mark.usefixtures("second")
    @pytest.mark.parametrize("events", OLD)
    def test_is_clean_when_every_table_has_changed_under_a_new_edition(
        self, events: list[Event]
    ) -> None:
        assert found(events) == []

    @pytest.mark.parametrize(("service", "tables"), EACH)
    def test_would_be_accused_by_any_table_that_is_changed_in_place(
        self, service: ServiceName, tables: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No table is left out of what is recorded, and none of the changes is without effect."""
        for edition in list(EDITIONS[service].tables):
            put(monkeypatch, service, edition, tables)
        assert any(
            found(events) for log in record.logs() for events in record.incidents(log).values()
        )

    def test_of_edition_1_is_kept(self) -> None:
        first = [
            event for events in record.incidents(record.logs()[0]).values() for event in events
        ]
        assert {event.rules for event in first} == {1}
        assert {event.service for event in first} == set(ServiceName)


@pytest.mark.usefixtures("second")
class TestUnderANewEdition:
    @pytest.mark.parametrize("seed", range(6))
    def test_what_is_decided_says_so_and_is_clean(self, seed: int) -> None:
        events = Telling.of(seed).go(500).events
        assert {event.rules for event in events} == {newest(ServiceName.INTAKE)}
        assert found(events) == []

    def test_other_events_are_made_than_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The new tables are those that decide."""
        for service, editions in EDITIONS.items():
            monkeypatch.delitem(editions.tables, newest(service))
        before = [event.data for event in Telling.of(3).go(500).events]
        for service in ServiceName:
            put(monkeypatch, service, newest(service) + 1, changed(service))
        assert [event.data for event in Telling.of(3).go(500).events] != before


@pytest.mark.parametrize("seed", range(8))
def test_a_log_in_which_the_edition_changes_is_clean(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One service after the other, in the middle of an incident, as services are updated."""
    telling = Telling.of(seed).go(200)
    services_in_some_order = list(ServiceName)
    random.Random(seed).shuffle(services_in_some_order)
    for service in services_in_some_order:
        put(monkeypatch, service, newest(service) + 1, changed(service))
        telling.go(150)
    assert found(telling.events) == []
    editions = Counter(event.rules for event in telling.events)
    assert set(editions) == {1, 2} or not telling.events[40:]


class TestAReview:
    def _opened(self, monkeypatch: pytest.MonkeyPatch) -> Telling:
        """Under review since before the tables changed."""
        for seed in range(50):
            telling = Telling.of(seed).go(300)
            if isinstance(telling.states[ServiceName.REVIEW].review, UnderReview):
                put(monkeypatch, ServiceName.REVIEW, 2, changed(ServiceName.REVIEW))
                return telling
        raise AssertionError("no walk opens a review")

    def test_ends_under_the_edition_that_it_was_opened_under(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        telling = self._opened(monkeypatch)
        before = len(telling.events)
        telling.among(record.PUBLISHING, 400)
        said = [
            event
            for event in telling.events[before:]
            if event.service is ServiceName.REVIEW and not isinstance(event.data, ReviewOpened)
        ]
        assert {event.rules for event in said} == {1}
        assert found(telling.events) == []

    def test_is_not_told_another_edition_than_its_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An easier edition would be too easy to choose."""
        telling = self._opened(monkeypatch)
        telling.among(record.PUBLISHING, 400)
        place, event = next(
            (place, event)
            for place, event in enumerate(telling.events)
            if event.service is ServiceName.REVIEW and isinstance(event.data, FindingRecorded)
        )
        events = [*telling.events[:place], later(event, 2), *telling.events[place + 1 :]]
        assert [finding.detail.partition(":")[0] for finding in found(events)] == [
            "edition_of_the_review"
        ]

    def test_that_a_newer_build_opened_goes_on_there(self) -> None:
        state = review.INITIAL
        telling = Telling.of(1).among(record.PUBLISHING, 60)
        for event in telling.events:
            if isinstance(event.data, ReviewOpened):
                state = review.evolve(state, later(event))
                break
            state = review.evolve(state, event)
        words = "decided under edition 7; this build knows 1"
        with pytest.raises(UnknownEdition, match=words):
            review.gates(state)
        command = publication(telling.events)
        context = Context(telling.now, Actor("lead-1"), review.edition_for(command, state))
        with pytest.raises(UnknownEdition, match=words):
            review.decide(command, state, context)


class TestAnEditionThatThisBuildDoesNotKnow:
    @pytest.mark.parametrize("events", OLD)
    @pytest.mark.parametrize("service", ServiceName)
    def test_is_found_and_nobody_is_accused(
        self, service: ServiceName, events: list[Event]
    ) -> None:
        """Each event that it was decided under is told once, and no other event is."""
        newer = [later(event) if event.service is service else event for event in events]
        findings = found(newer)
        said = [event.id for event in events if event.service is service]
        reports = [event.id for event in events if isinstance(event.data, Reviewed)]
        told = [finding.event_id for finding in findings]
        assert {finding.code for finding in findings} <= {"edition_unknown"}
        assert [one for one in told if one in said] == said[:ENOUGH]
        # Nor can a report be made without the tables of what it tells of.
        assert {one for one in told if one not in said} <= set(reports)

    def test_says_which_it_is_and_which_are_known(self) -> None:
        (first, *_) = record.incidents(record.logs()[0]).values()
        (finding, *_) = found([later(first[0])])
        assert finding.detail == "decided under edition 7; this build knows 1"
        assert "newer release" in finding.meaning

    def test_is_said_where_gates_are_replayed(self) -> None:
        for events in record.incidents(record.logs()[0]).values():
            if not any(event.service is ServiceName.TRIAGE for event in events):
                continue
            newer = [later(event) for event in events]
            known = triage_audit.known(newer)["gates"]
            assert known in (
                [],
                [
                    {
                        "gate": "edition_unknown",
                        "subject": "rules",
                        "open": False,
                        "missing": ["decided under edition 7; this build knows 1"],
                    }
                ],
            )
            assert (
                review_audit.known(newer)["determination"]
                == (review_audit.known(events)["determination"])
            )


def test_replayed_gates_are_those_of_the_edition_that_was_decided_under(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = next(
        events
        for events in record.incidents(record.logs()[0]).values()
        if len(triage_audit.known(events)["gates"]) > 1
    )
    before = triage_audit.known(events)
    put(monkeypatch, ServiceName.TRIAGE, 2, changed(ServiceName.TRIAGE))
    assert triage_audit.known(events) == before
    last = max(place for place, one in enumerate(events) if one.service is ServiceName.TRIAGE)
    moved = [*events[:last], later(events[last], 2), *events[last + 1 :]]
    assert triage_audit.known(moved)["gates"] != before["gates"]
    assert triage_tables.EDITIONS.newest == 2
