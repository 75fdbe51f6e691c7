"""What every decision takes and gives: actors, refusals, gates, and what a caller is offered."""

from dataclasses import dataclass

import pytest

from shared.contract.authority import Role, who_may
from shared.contract.decision import (
    SOME_TIME,
    Actor,
    Context,
    Gate,
    Lack,
    Missing,
    Rejected,
    accepted,
    check_authority,
    name_of,
)
from shared.contract.vocabulary import GateName, ServiceName

LEAD = Actor("lea", frozenset({Role.LEAD}))
LACK = Lack("legal", ("legal_view",), (Role.LEGAL,), "It waits for a legal view.")


@dataclass(frozen=True, slots=True)
class Assess:
    outcome: str = "said"


@dataclass(frozen=True, slots=True)
class GiveLegalView:
    outcome: str = "said"


def decide(command: Assess | GiveLegalView, state: str, context: Context) -> list[str]:
    assert context.now == SOME_TIME
    match command.outcome:
        case "refused":
            raise Rejected("no", "No.")
        case "missing":
            raise Missing("the action")
        case "nothing":
            return []
    return [state]


class TestAnActor:
    def test_has_a_role_when_one_of_them_is_asked_for(self) -> None:
        assert LEAD.has(Role.LEGAL, Role.LEAD)
        assert not LEAD.has(Role.LEGAL)
        assert not LEAD.has()

    @pytest.mark.parametrize("service", ServiceName)
    def test_that_is_a_service_has_no_role_at_all(self, service: ServiceName) -> None:
        actor = Actor.service(service)
        assert actor.subject == f"service:{service.value}"
        assert not actor.has(*Role)


class TestAuthority:
    def test_lets_pass_whoever_may(self) -> None:
        check_authority(Assess(), LEAD)

    def test_refuses_by_the_name_of_the_command_and_says_who_may(self) -> None:
        with pytest.raises(Rejected) as refused:
            check_authority(GiveLegalView(), LEAD)
        assert refused.value.rule == "role"
        assert refused.value.who == who_may("give_legal_view")
        assert refused.value.detail == "give_legal_view is for legal."
        assert refused.value.missing == ()

    def test_of_a_command_that_nobody_may_give_is_a_bug_and_no_refusal(self) -> None:
        with pytest.raises(LookupError):
            check_authority(LACK, LEAD)


class TestARefusal:
    def test_reads_as_its_detail(self) -> None:
        assert str(Rejected("rule", "Because.")) == "Because."

    def test_for_want_of_something_names_it(self) -> None:
        assert str(Missing("action 7")) == "action 7 is not known here"

    def test_of_a_gate_is_its_lack(self) -> None:
        refusal = LACK.refusal()
        assert (refusal.rule, refusal.missing, refusal.who, refusal.detail) == (
            "legal",
            ("legal_view",),
            (Role.LEGAL,),
            "It waits for a legal view.",
        )


class TestAGate:
    def test_that_lacks_nothing_is_open(self) -> None:
        assert Gate.of(GateName.LEGAL, "a", None) == Gate(GateName.LEGAL, "a", open=True)

    def test_that_lacks_something_is_shut_and_says_what_and_who(self) -> None:
        gate = Gate.of(GateName.LEGAL, "a", LACK)
        assert (gate.open, gate.missing, gate.who) == (False, ("legal_view",), (Role.LEGAL,))

    def test_that_break_glass_passed_is_open_and_still_says_what_is_missing(self) -> None:
        gate = Gate.of(GateName.LEGAL, "a", LACK, passed=True)
        assert (gate.open, gate.passed_by_break_glass, gate.missing) == (True, True, LACK.missing)

    def test_as_json_has_plain_values(self) -> None:
        assert Gate.of(GateName.LEGAL, "a", LACK).as_json() == {
            "gate": "legal",
            "subject": "a",
            "open": False,
            "missing": ["legal_view"],
            "who_can_supply": ["legal"],
            "passed_by_break_glass": False,
        }


class TestWhatIsOffered:
    @pytest.mark.parametrize("outcome", ["refused", "missing", "nothing"])
    def test_is_nothing_that_would_be_refused_or_say_nothing(self, outcome: str) -> None:
        assert accepted([Assess(outcome)], decide, "state", LEAD) == ()

    def test_is_each_name_once_in_the_order_of_the_candidates(self) -> None:
        candidates = [GiveLegalView(), Assess("refused"), Assess(), Assess(), GiveLegalView()]
        assert accepted(candidates, decide, "state", LEAD) == ("give_legal_view", "assess")

    def test_is_called_as_callers_read_it(self) -> None:
        assert name_of(GiveLegalView()) == "give_legal_view"
