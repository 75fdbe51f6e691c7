"""A gate is shown as the domain describes it."""

import pytest
from pydantic import ValidationError

from shared.contract.authority import Role
from shared.contract.decision import Gate, Lack
from shared.contract.vocabulary import GateName
from shared.runtime.web.gates import GATE_EXAMPLE, GateView

LACK = Lack("facts", ("where", "still_live"), (Role.RESPONDER, Role.LEAD), "waits for facts")


@pytest.mark.parametrize(
    ("lack", "passed", "opened", "missing", "who"),
    [
        (None, False, True, [], []),
        (None, True, True, [], []),
        (LACK, False, False, ["where", "still_live"], ["responder", "lead"]),
        (LACK, True, True, ["where", "still_live"], ["responder", "lead"]),
    ],
)
def test_a_gate_is_open_when_nothing_lacks_or_it_was_passed(
    lack: Lack | None, passed: bool, opened: bool, missing: list[str], who: list[str]
) -> None:
    view = GateView.of(Gate.of(GateName.FACTS, "subject", lack, passed=passed))
    assert (view.gate, view.subject, view.open) == ("facts", "subject", opened)
    assert (view.missing, view.who_can_supply) == (missing, who)
    assert view.passed_by_break_glass is (passed and lack is not None)


@pytest.mark.parametrize("name", GateName)
def test_every_gate_can_be_shown(name: GateName) -> None:
    gate = Gate.of(name, "s", LACK)
    assert GateView.of(gate).model_dump() == gate.as_json()


def test_the_example_is_a_gate() -> None:
    assert GateView.model_validate(GATE_EXAMPLE).model_dump() == GATE_EXAMPLE


@pytest.mark.parametrize("field", GATE_EXAMPLE)
def test_a_gate_says_all_of_it(field: str) -> None:
    without = {name: value for name, value in GATE_EXAMPLE.items() if name != field}
    with pytest.raises(ValidationError, match=field):
        GateView.model_validate(without)


def test_a_lack_refuses_with_its_own_words() -> None:
    refusal = LACK.refusal()
    assert (refusal.rule, str(refusal)) == ("facts", "waits for facts")
    assert (refusal.missing, refusal.who) == (LACK.missing, LACK.who)
