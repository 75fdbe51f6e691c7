"""A kind of subject that exists in these tests alone: policies, which review adopts and amends."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final
from uuid import UUID

from shared.contract.catalogue.base import Confidential, EventData, Text
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.decision import Context, Rejected
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.plan import Recorded, Write
from shared.runtime.say.rules import Rules

KIND: Final = "policy"
POLICY: Final = UUID("01960000-0000-7000-a000-000000000001")


class PolicyAdopted(EventData):
    TYPE: ClassVar[str] = "policy.adopted.v1"
    SAID_BY: ClassVar[ServiceName | None] = ServiceName.REVIEW

    text: Confidential[Text]


class PolicyAmended(EventData):
    TYPE: ClassVar[str] = "policy.amended.v1"
    SAID_BY: ClassVar[ServiceName | None] = ServiceName.REVIEW

    clauses: int


ADOPTED: Final = PolicyAdopted(text="What leaves the room is labelled, says Zacharias.")
AMENDED: Final = PolicyAmended(clauses=3)
REPORTED: Final = Reported(opens=True, channel=ReportChannel.API)


def decide(command: EventData, state: int, _: Context) -> Sequence[EventData]:
    if isinstance(command, PolicyAmended) and state == 0:
        raise Rejected("adopted", "A policy is adopted before it is amended.")
    return [command]


def evolve(state: int, event: Event) -> int:
    return state + event.type.startswith(f"{KIND}.")


def project(recorded: Recorded) -> Iterable[Write]:
    yield Write("INSERT INTO policy VALUES ($1)", (recorded.version,))


RULES: Final[Rules[EventData, int]] = Rules(
    initial=0,
    decide=decide,
    edition=lambda _command, _state: 1,
    evolve=evolve,
    project=project,
    view_tables=(),
    reacts_to=(Reported,),
    react=lambda _event, _state: (),
    kind=KIND,
)
