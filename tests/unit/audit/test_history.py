"""What was known at a moment, by time or by size, from the leaves of a log alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.files import Folder, NotALog
from shared.audit.history import Until, by_time, history
from shared.audit.subjects import Sealed
from tests.unit.audit.world import (
    LOG,
    Ledger,
    incident_number,
    publish_log,
    report,
    two_stories,
)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return two_stories()


@pytest.fixture(scope="module")
def log(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = tmp_path_factory.mktemp("log")
    publish_log(folder, ledger)
    return Folder(folder)


def told(log: Folder, until: str | None = None, number: int | None = None) -> list[Sealed]:
    moment = Until.parse(until) if until else Until()
    incident = incident_number(number) if number else None
    return list(history(log, LOG.verifier, moment, incident, lambda *_: None))


def test_a_size_takes_the_first_so_many_and_a_time_what_was_said_until_then(
    log: Folder, ledger: Ledger
) -> None:
    whole = told(log)
    assert [one.event for one in whole] == ledger.events
    for size in (0, 1, 7, len(ledger.events)):
        assert told(log, str(size)) == whole[:size]
    for at in (0, 7):
        time = ledger.events[at].time
        assert [one.event for one in told(log, time.isoformat())] == [
            event for event in ledger.events if event.time <= time
        ]


def test_one_incident_is_told_alone(log: Folder, ledger: Ledger) -> None:
    for number in (1, 2):
        assert [one.event for one in told(log, number=number)] == ledger.of(incident_number(number))
    assert told(log, number=3) == []


def test_a_size_that_the_log_has_not_is_refused(log: Folder, ledger: Ledger) -> None:
    size = len(ledger.events)
    with pytest.raises(NotALog, match=f"has {size} events, fewer than {size + 1}"):
        told(log, str(size + 1))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T09:00", "2026-03-02T09:00:00Z"),
        ("2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00Z"),
        ("2026-03-02", "2026-03-02T00:00:00Z"),
        ("007", "7"),
    ],
)
def test_a_moment_may_be_written_in_several_ways(text: str, same: str) -> None:
    assert Until.parse(text) == Until.parse(same)


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "1.5", "٣", "2026-02-30", "12:00"])
def test_what_is_neither_a_size_nor_a_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither a size .* nor a time such as 2026-"):
        Until.parse(text)


@given(st.permutations(range(8)))
def test_events_of_one_time_keep_the_order_of_the_log(order: list[int]) -> None:
    said = report(Ledger(), incident_number(1))
    given_ = [Sealed(index, said) for index in order]
    assert [one.index for one in by_time(given_)] == sorted(order)
