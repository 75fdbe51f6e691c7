"""What notify remembers of an incident, because a rule asks for it, and how each event changes
that."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias, assert_never
from uuid import UUID

from shared.contract.catalogue import notify, triage
from shared.contract.envelope import Event
from shared.contract.vocabulary import (
    ApprovalKind,
    Audience,
    AudienceTier,
    Determination,
    InformationType,
    Severity,
)


@dataclass(frozen=True, slots=True)
class HeardFact:
    key: str
    known: bool


@dataclass(frozen=True, slots=True)
class HeardAssessment:
    determination: Determination
    leaked: frozenset[InformationType]
    severity: Severity
    reach: AudienceTier


@dataclass(frozen=True, slots=True)
class Approval:
    kind: ApprovalKind
    by: str


@dataclass(frozen=True, slots=True)
class Draft:
    """Waits for approvals, or has them and waits for somebody to ask for it to be sent."""


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """An approver said no."""


@dataclass(frozen=True, slots=True)
class Requested:
    """The sender takes it up."""


@dataclass(frozen=True, slots=True)
class Started:
    """This attempt is on its way: whether it arrives is not known yet."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Failed:
    """This attempt did not arrive; the sender tries again when it is due, never when that is
    None."""

    attempt: int
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """This attempt may or may not have arrived; a person decides."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Told:
    """It arrived."""


Condition: TypeAlias = Draft | TurnedDown | Requested | Started | Failed | OutcomeUnknown | Told


def standing(condition: Condition) -> str:
    """The rest of a sentence that begins with "this message"."""
    match condition:
        case Draft():
            return "is a draft"
        case TurnedDown():
            return "was rejected; draft a new one"
        case Requested():
            return "is waiting for the sender"
        case Started(attempt=attempt):
            return f"is being sent, attempt {attempt}"
        case Failed(attempt=attempt, retry_at=None):
            return f"failed at attempt {attempt}; a person may request it again"
        case Failed(attempt=attempt, retry_at=due):
            return f"failed at attempt {attempt} and is tried again at {due}"
        case OutcomeUnknown(attempt=attempt):
            return f"may or may not have arrived at attempt {attempt}; a person decides"
        case Told():
            return "was delivered"
        case _:
            assert_never(condition)


@dataclass(frozen=True, slots=True)
class Message:
    id: UUID
    audience: Audience
    channel: str
    drafted_by: str
    facts: tuple[UUID, ...]
    texts: tuple[str, ...]
    """Digests of title and text, sorted."""
    approvals: tuple[Approval, ...] = ()
    condition: Condition = Draft()
    attempts: int = 0
    attempts_before_request: int = 0


@dataclass(frozen=True, slots=True)
class State:
    facts: Mapping[UUID, HeardFact] = field(default_factory=dict)
    corrections: Mapping[UUID, UUID] = field(default_factory=dict)
    assessment: HeardAssessment | None = None
    required: frozenset[Audience] = frozenset()
    told: frozenset[Audience] = frozenset()
    waived: frozenset[Audience] = frozenset()
    messages: Mapping[UUID, Message] = field(default_factory=dict)

    @property
    def owed(self) -> frozenset[Audience]:
        """Audiences that must be told, and neither were nor need not be."""
        return self.required - self.told - self.waived

    @property
    def established(self) -> frozenset[str]:
        """Keys of facts that are known and stand uncorrected."""
        return frozenset(
            fact.key
            for fact_id, fact in self.facts.items()
            if fact.known and fact_id not in self.corrections
        )


INITIAL: Final = State()


def evolve(state: State, event: Event) -> State:
    match event.data:
        case triage.FactRecorded(fact_id=fact_id, key=key, known=known, corrects=corrects):
            corrections = (
                state.corrections if corrects is None else {**state.corrections, corrects: fact_id}
            )
            return replace(
                state,
                facts={**state.facts, fact_id: HeardFact(key, known)},
                corrections=corrections,
            )
        case triage.Assessed() as found:
            reach = found.exposure.audience_tier
            assessment = HeardAssessment(
                found.determination, frozenset(found.information_types), found.severity, reach
            )
            return replace(state, assessment=assessment)
        case notify.CommunicationRequired(audience=audience):
            return replace(state, required=state.required | {audience})
        case notify.CommunicationWaived(audience=audience):
            return replace(state, waived=state.waived | {audience})
        case notify.CommunicationDrafted() as drafted:
            return _with(state, _message(drafted, event.actor))
        case notify.Communicated(communication_id=message_id, audience=audience):
            told = replace(state, told=state.told | {audience})
            return _with(told, replace(state.messages[message_id], condition=Told()))
        case (
            notify.CommunicationApproved()
            | notify.CommunicationRejected()
            | notify.CommunicationRequested()
            | notify.SendStarted()
            | notify.SendFailed()
            | notify.SendOutcomeUnknown()
            | notify.SendOutcomeDecided()
        ) as step:
            return _with(state, _stepped(state.messages[step.communication_id], step, event.actor))
        case _:
            return state


Step: TypeAlias = (
    notify.CommunicationApproved
    | notify.CommunicationRejected
    | notify.CommunicationRequested
    | notify.SendStarted
    | notify.SendFailed
    | notify.SendOutcomeUnknown
    | notify.SendOutcomeDecided
)


def _stepped(message: Message, step: Step, actor: str) -> Message:
    match step:
        case notify.CommunicationApproved(approval=kind):
            return replace(message, approvals=(*message.approvals, Approval(kind, actor)))
        case notify.CommunicationRejected():
            return replace(message, condition=TurnedDown())
        case notify.CommunicationRequested():
            return replace(message, condition=Requested(), attempts_before_request=message.attempts)
        case notify.SendStarted(attempt=attempt):
            return replace(message, condition=Started(attempt), attempts=attempt)
        case notify.SendFailed(attempt=attempt, retry_at=retry_at):
            return replace(message, condition=Failed(attempt, retry_at), attempts=attempt)
        case notify.SendOutcomeUnknown(attempt=attempt):
            return replace(message, condition=OutcomeUnknown(attempt))
        case notify.SendOutcomeDecided(delivered=delivered):
            # Delivered: `communicated` follows in the same breath.
            return message if delivered else replace(message, condition=Draft())
        case _:
            assert_never(step)


def _message(drafted: notify.CommunicationDrafted, by: str) -> Message:
    return Message(
        drafted.communication_id, drafted.audience, drafted.channel, by, drafted.facts, drafted.sd
    )


def _with(state: State, message: Message) -> State:
    return replace(state, messages={**state.messages, message.id: message})
