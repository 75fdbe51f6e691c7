"""A gate as its readers see it."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.decision import Gate

GATE_EXAMPLE: Final[dict[str, Any]] = {
    "gate": "facts",
    "subject": "01960000-0000-7000-8000-0000000000a1",
    "open": False,
    "missing": ["where", "still_live"],
    "who_can_supply": ["responder", "lead"],
    "passed_by_break_glass": False,
}


class GateView(BaseModel):
    """What something waits for."""

    model_config = ConfigDict(json_schema_extra={"example": GATE_EXAMPLE})

    gate: str
    subject: str = Field(
        description="What waits at it: the id of an action, `communication` and the id of a "
        "message, or a name."
    )
    open: bool
    missing: list[str] = Field(description="Also of a gate that break-glass has passed.")
    who_can_supply: list[str] = Field(description="Roles.")
    passed_by_break_glass: bool = Field(
        description="Never at a message's gates: what was told cannot be untold."
    )

    @classmethod
    def of(cls, gate: Gate) -> "GateView":
        return cls(**gate.as_json())
