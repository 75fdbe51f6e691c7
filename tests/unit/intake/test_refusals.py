"""The words of every refusal of intake:
the rule, the sentence a reporter reads, what is missing."""

from datetime import timedelta
from typing import Final

import pytest

from services.intake import domain
from services.intake.domain.commands import Report
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.triage import IncidentDismissed
from shared.contract.decision import Missing
from shared.contract.vocabulary import DismissalReason
from tests.unit.given import START, Refusal, actor, given, rules_in

SOMEBODY = actor("somebody")
OPENING = Report(opens=True, channel=ReportChannel.API)
ADDING = Report(opens=False, channel=ReportChannel.API)
DRILL = Report(opens=False, channel=ReportChannel.API, exercise=True)
FROM_TOMORROW = Report(opens=True, channel=ReportChannel.API, noticed_at=START + timedelta(days=1))

REAL = Reported(opens=True, channel=ReportChannel.API)
EXERCISE = Reported(opens=True, channel=ReportChannel.API, exercise=True)
DISMISSED = IncidentDismissed(reason=DismissalReason.DUPLICATE, note="See the other one.")

REFUSALS: Final[dict[str, tuple[tuple[EventData, ...], Report, Refusal]]] = {
    "noticed later than now": (
        (),
        FROM_TOMORROW,
        Refusal(
            "noticed_before_now",
            "A report is about something noticed before now; check noticed_at.",
            missing=("noticed_at",),
        ),
    ),
    "adds to a dismissed incident": (
        (REAL, DISMISSED),
        ADDING,
        Refusal(
            "dismissed",
            "The incident was dismissed; report anything new as a new incident, without its id.",
        ),
    ),
    "opens an incident that is open": (
        (REAL,),
        OPENING,
        Refusal("opened_once", "This incident is open already; name it to add to it."),
    ),
    "adds a drill to a real incident": (
        (REAL,),
        DRILL,
        Refusal(
            "exercise_matches",
            "The incident is real and the report says an exercise.",
            missing=("exercise",),
        ),
    ),
    "adds a real report to a drill": (
        (EXERCISE,),
        ADDING,
        Refusal(
            "exercise_matches",
            "The incident is an exercise and the report says real.",
            missing=("exercise",),
        ),
    ),
}


@pytest.mark.parametrize("scenario", REFUSALS)
def test_each_refusal_says(scenario: str) -> None:
    past, command, refusal = REFUSALS[scenario]
    given(domain, *past).when(command, by=SOMEBODY, at=START).then_refused(refusal)


def test_every_rule_is_in_the_table() -> None:
    assert {refusal.rule for *_, refusal in REFUSALS.values()} == rules_in(domain)


def test_what_nobody_reported_is_said_to_be_unknown() -> None:
    with pytest.raises(Missing, match=r"^the incident is not known here$"):
        given(domain).when(ADDING, by=SOMEBODY).decide()
