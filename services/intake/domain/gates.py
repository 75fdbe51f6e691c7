"""Intake has no gates: reporting waits for nothing."""

from services.intake.domain.state import State
from shared.contract.decision import Gate


def gates(_: State) -> tuple[Gate, ...]:
    return ()
