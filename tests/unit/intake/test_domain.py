"""Every decision of intake, and every refusal."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.intake import domain
from services.intake.domain.commands import Report
from services.intake.domain.state import Dismissed, Open, Unopened
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ForeignEvent, ReportChannel, Reported
from shared.contract.catalogue.triage import IncidentDismissed
from shared.contract.decision import Missing
from shared.contract.envelope import Unknown
from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    AuthorRelation,
    DiscoveryMethod,
    DismissalReason,
    Fidelity,
    InformationType,
    PostKind,
    Visibility,
)
from tests.unit.given import START, actor, event, given

SOURCE = actor("dlp", Role.SOURCE)
OPENS = Report(opens=True, channel=ReportChannel.API)
ADDS = Report(opens=False, channel=ReportChannel.API)
REPORTED = Reported(opens=True, channel=ReportChannel.API)
DRILL = Reported(opens=True, channel=ReportChannel.API, exercise=True)
DISMISSED = IncidentDismissed(reason=DismissalReason.NOT_AN_INCIDENT, note="an old press kit")


class TestAReportOpensAnIncident:
    def test_that_knows_nothing(self) -> None:
        given(domain).when(OPENS, SOURCE).then(REPORTED)

    def test_that_knows_everything(self) -> None:
        exposure = Exposure(
            platform="mastodon",
            url="https://social.example/@somebody/1",
            post_kind=PostKind.POST,
            author_relation=AuthorRelation.EMPLOYEE,
            visibility=Visibility.PUBLIC,
            audience_tier=AudienceTier.D_PUBLIC,
            still_live=Answer.YES,
            copies=2,
        )
        foreign = ForeignEvent(source="//dlp", id="17", type="com.example.dlp.finding")
        command = Report(
            opens=True,
            channel=ReportChannel.CLOUDEVENTS,
            exercise=True,
            reporter=UUID(int=7),
            discovery=DiscoveryMethod.EMPLOYEE,
            noticed_at=START,
            noticed_at_fidelity=Fidelity.HOUR,
            description="A photo of a whiteboard",
            exposure=exposure,
            information_types=(InformationType.PROPRIETARY, InformationType.SECRETS),
            foreign=foreign,
        )
        given(domain).when(command, SOURCE).then(
            Reported(
                opens=True,
                channel=ReportChannel.CLOUDEVENTS,
                exercise=True,
                reporter=str(UUID(int=7)),
                discovery=DiscoveryMethod.EMPLOYEE,
                noticed_at=START,
                noticed_at_fidelity=Fidelity.HOUR,
                description="A photo of a whiteboard",
                exposure=exposure,
                information_types=(InformationType.PROPRIETARY, InformationType.SECRETS),
                foreign=foreign,
            )
        )

    def test_once(self) -> None:
        given(domain, REPORTED).when(OPENS, SOURCE).then_rejected("opened_once")


class TestAReportAddsToAnIncident:
    def test_that_is_open(self) -> None:
        given(domain, REPORTED).when(ADDS, SOURCE).then(
            Reported(opens=False, channel=ReportChannel.API)
        )

    def test_again_and_again(self) -> None:
        added = Reported(opens=False, channel=ReportChannel.BATCH)
        given(domain, REPORTED, added).when(ADDS, SOURCE).then(
            Reported(opens=False, channel=ReportChannel.API)
        )

    def test_that_is_an_exercise_like_the_report(self) -> None:
        said = Reported(opens=False, channel=ReportChannel.API, exercise=True)
        given(domain, DRILL).when(replace(ADDS, exercise=True), SOURCE).then(said)

    @pytest.mark.parametrize(("past", "exercise"), [(REPORTED, True), (DRILL, False)])
    def test_but_real_and_exercise_do_not_mix(self, past: EventData, exercise: bool) -> None:
        given(domain, past).when(replace(ADDS, exercise=exercise), SOURCE).then_rejected(
            "exercise_matches", missing=("exercise",)
        )

    def test_but_not_to_one_that_nobody_reported(self) -> None:
        with pytest.raises(Missing):
            given(domain).when(ADDS, SOURCE).then()

    def test_but_not_to_one_that_was_dismissed(self) -> None:
        refusal = given(domain, REPORTED, DISMISSED).when(ADDS, SOURCE).then_rejected("dismissed")
        assert "new incident" in refusal.detail


class TestNoticedAt:
    @pytest.mark.parametrize("command", [OPENS, ADDS])
    def test_is_not_in_the_future(self, command: Report) -> None:
        past = () if command.opens else (REPORTED,)
        later = replace(command, noticed_at=START + timedelta(minutes=5, seconds=1))
        given(domain, *past).when(later, SOURCE, at=START).then_rejected(
            "noticed_before_now", missing=("noticed_at",)
        )

    def test_may_be_ahead_by_what_clocks_differ(self) -> None:
        ahead = START + timedelta(minutes=5)
        given(domain).when(replace(OPENS, noticed_at=ahead), SOURCE, at=START).then(
            Reported(opens=True, channel=ReportChannel.API, noticed_at=ahead)
        )

    def test_of_which_only_the_month_is_known_is_not_later_than_the_month(self) -> None:
        stated = START.replace(day=31)
        command = replace(OPENS, noticed_at=stated, noticed_at_fidelity=Fidelity.MONTH)
        (said,) = given(domain).when(command, SOURCE, at=START).decide()
        assert (said.noticed_at, said.noticed_at_fidelity) == (stated, Fidelity.MONTH)
        exact = replace(command, noticed_at_fidelity=Fidelity.DAY)
        given(domain).when(exact, SOURCE, at=START).then_rejected("noticed_before_now")


class TestWhatIsRemembered:
    def test_is_what_rules_ask_for(self) -> None:
        assert given(domain, DRILL).state == Open(exercise=True)
        assert given(domain, REPORTED, DISMISSED).state == Dismissed()

    def test_does_not_change_with_what_is_not_understood(self) -> None:
        unknown = event(REPORTED)._replace(data=Unknown({}, "new"))
        assert domain.evolve(Unopened(), unknown) == Unopened()
        assert domain.evolve(Open(exercise=False), unknown) == Open(exercise=False)


class TestWhatACallerSees:
    def test_no_gate(self) -> None:
        assert domain.gates(given(domain, REPORTED).state) == ()

    @pytest.mark.parametrize("role", Role)
    def test_the_next_command(self, role: Role) -> None:
        expected = () if role in {Role.AUDITOR, Role.ADMIN} else ("report",)
        assert (
            domain.next_commands(given(domain, REPORTED).state, actor("somebody", role)) == expected
        )

    def test_nothing_once_it_is_dismissed(self) -> None:
        assert domain.next_commands(given(domain, REPORTED, DISMISSED).state, SOURCE) == ()

    def test_a_drill_is_added_to_as_a_drill(self) -> None:
        assert domain.next_commands(given(domain, DRILL).state, SOURCE) == ("report",)

    def test_nothing_before_the_first_report(self) -> None:
        assert domain.next_commands(given(domain).state, SOURCE) == ()
