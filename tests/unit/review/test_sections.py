"""The sections of the report, one by one: measures, summary, knowledge, and the words they use."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review.report import build
from services.review.report.durations import duration
from services.review.report.history import History, covered, covers_of, proof_of
from services.review.report.knowledge import exercise, exposure
from services.review.report.measures import measures, opening
from services.review.report.summary import summary
from shared.contract.vocabulary import Answer, AudienceTier, Fidelity
from shared.contract.wording import count, moment, tier, word, words
from tests.unit.review.story import STORY, events

KNOWN = events()
HISTORY = History.of_events(KNOWN)
NOTHING = History.of_events([])


class TestMeasures:
    def test_each_is_counted_from_the_report_that_opened_the_incident(self) -> None:
        start = opening(HISTORY)
        assert start is not None
        ends = {event.id: event.time for event in KNOWN}
        for measure in measures(HISTORY):
            assert measure.since == start.event
            if measure.until is None:
                assert (measure.seconds, measure.text) == (None, "not on record")
            else:
                took = ends[measure.until.event_id] - start.at
                assert measure.seconds == took.total_seconds()
                assert measure.text == duration(took.total_seconds())

    def test_without_any_event_all_are_not_on_record(self) -> None:
        for measure in measures(NOTHING):
            assert (measure.seconds, measure.since, measure.until) == (None, None, None)
            assert measure.text == "not on record"

    def test_without_the_opening_report_no_time_is_made_up(self) -> None:
        later = History.of_events(events(STORY[1:]))
        assert opening(later) is None or opening(later) != opening(HISTORY)
        if opening(later) is None:
            ended = [measure for measure in measures(later) if measure.until]
            assert ended
            assert {(one.seconds, one.text) for one in ended} == {(None, "unknown")}

    def test_names_are_told_once(self) -> None:
        names = [measure.name for measure in measures(HISTORY)]
        assert len(names) == len(set(names))


class TestSummary:
    def test_of_nothing_says_what_is_not_on_record(self) -> None:
        assert list(summary(build([]), NOTHING)) == [
            "The report that opened the incident is not on record here.",
            "It was not assessed.",
            "No action was carried out with success (no action tried).",
            "No gate was passed by break-glass.",
            "Nobody was told.",
            "The review recorded no finding, no action item, no lesson.",
        ]

    def test_is_the_one_of_the_report(self) -> None:
        report = build(KNOWN)
        assert tuple(summary(report, HISTORY)) == report.summary


class TestHistory:
    @given(st.permutations(KNOWN), st.lists(st.sampled_from(KNOWN), max_size=4))
    def test_order_and_repetition_of_arrival_do_not_matter(self, order, again) -> None:
        assert History.of_events([*order, *again]) == HISTORY

    def test_proof_names_each_event_once_with_its_hash(self) -> None:
        proof = proof_of(HISTORY.events)
        assert {line.event.event_id: line.hash for line in proof} == {
            event.id: event.hash.hex() for event in KNOWN
        }
        places = [(line.event.service.value, line.event.sequence) for line in proof]
        assert places == sorted(places)

    @given(st.integers(0, len(KNOWN)))
    def test_what_is_covered_is_covered_whatever_came_after(self, number: int) -> None:
        some = KNOWN[:number]
        assert covered(KNOWN, covers_of(some)) == some

    def test_the_exercise_is_unknown_without_the_opening_report(self) -> None:
        assert exercise(NOTHING) is Answer.UNKNOWN
        assert exercise(HISTORY) is not Answer.UNKNOWN

    def test_an_exposure_that_is_not_on_record_is_unknown_in_every_aspect(self) -> None:
        lines = exposure(NOTHING)
        assert {line.reported for line in lines} == {"unknown"}
        assert {line.assessed for line in lines} == {"unknown"}
        assert [line.aspect for line in lines] == [line.aspect for line in exposure(HISTORY)]


class TestWords:
    @pytest.mark.parametrize(
        ("seconds", "said"),
        [
            (-0.1, "none: it came before"),
            (0, "under a second"),
            (0.999, "under a second"),
            (1, "1 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3600, "1 h"),
            (3661, "1 h 1 min"),
            (3601, "1 h"),
            (86_400, "1 d"),
            (90_061, "1 d 1 h"),
            (86_460, "1 d"),
        ],
    )
    def test_a_duration_is_its_two_largest_units(self, seconds: float, said: str) -> None:
        assert duration(seconds) == said

    @pytest.mark.parametrize(
        ("fidelity", "said"),
        [
            (None, "2026-03-02 09:15:07 UTC"),
            (Fidelity.SECOND, "2026-03-02 09:15:07 UTC"),
            (Fidelity.MINUTE, "2026-03-02 09:15 UTC"),
            (Fidelity.HOUR, "2026-03-02 09 h UTC"),
            (Fidelity.DAY, "2026-03-02"),
            (Fidelity.MONTH, "2026-03"),
            (Fidelity.YEAR, "2026"),
        ],
    )
    def test_a_moment_is_told_as_far_as_it_is_known(
        self, fidelity: Fidelity | None, said: str
    ) -> None:
        at = datetime(2026, 3, 2, 11, 15, 7, tzinfo=timezone(timedelta(hours=2)))
        assert moment(at, fidelity) == said

    def test_a_moment_without_a_zone_or_at_the_end_of_the_calendar_is_still_told(self) -> None:
        assert moment(None) == "unknown"
        no_zone = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001
        assert moment(no_zone) == "2026-03-02 09:00:00 (zone not given)"
        west = timezone(timedelta(hours=-5))
        last = datetime(9999, 12, 31, 23, 0, tzinfo=west)
        assert moment(last) == "9999-12-31 23:00:00 (in its own zone)"
        assert moment(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01 00:00:00 UTC"

    def test_words_and_counts(self) -> None:
        assert (word(None), word("got_lucky")) == ("unknown", "got lucky")
        assert (words([]), words([], none="none"), words(["a_b", "c"])) == (
            "unknown",
            "none",
            "a b, c",
        )
        assert [count(number, "finding") for number in (0, 1, 2)] == [
            "no finding",
            "1 finding",
            "2 findings",
        ]
        assert count(2, "duty", "duties") == "2 duties"

    @pytest.mark.parametrize("reach", AudienceTier)
    def test_a_tier_is_told_by_letter_and_name(self, reach: AudienceTier) -> None:
        said = tier(reach)
        assert said == "unknown" if reach is AudienceTier.UNKNOWN else said.startswith(reach.value)
