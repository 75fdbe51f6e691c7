"""Whatever is asked in whatever order: what must never be said."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify import domain
from services.notify.domain import (
    Approve,
    Command,
    DecideOutcome,
    MarkUnknown,
    NoteDuties,
    RecordDelivered,
    RecordFailure,
    Reject,
    RequestSend,
    StartSend,
    Waive,
)
from services.notify.domain.commands import PersonsCommand
from services.notify.domain.offers import next_commands
from services.notify.domain.tables import INSIDE, OUTSIDE_FACTS
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.notify import (
    Communicated,
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationRequired,
    CommunicationWaived,
    SendFailed,
    SendOutcomeDecided,
    SendStarted,
)
from shared.contract.catalogue.triage import FactRecorded
from shared.contract.decision import Actor, Context, Missing, Rejected
from shared.contract.envelope import Event
from shared.contract.vocabulary import ApprovalKind, Audience, InformationType, Severity
from tests.examples import examples
from tests.unit.concealing import bare
from tests.unit.given import START, event
from tests.unit.notify.world import (
    ALL_FACTS,
    COMMS,
    COMMS_TOO,
    LEAD,
    LEGAL,
    LEGAL_TOO,
    MESSAGE,
    OTHER_MESSAGE,
    RESPONDER,
    SENDER,
    TEXTS,
    assessed,
    draft,
    fact,
)

PEOPLE = (
    COMMS,
    COMMS_TOO,
    LEAD,
    LEGAL,
    LEGAL_TOO,
    RESPONDER,
    Actor("both", frozenset({Role.LEGAL, Role.LEAD})),
)
MESSAGES = st.sampled_from([MESSAGE, OTHER_MESSAGE])
AUDIENCES = st.sampled_from([Audience.EXECUTIVES, Audience.PRESS, Audience.DATA_SUBJECTS])
ATTEMPTS = st.integers(1, 4)
FACT_IDS = [item.fact_id for item in ALL_FACTS]


@dataclass(frozen=True, slots=True)
class Ask:
    command: Command
    by: Actor
    after: timedelta


@dataclass(frozen=True, slots=True)
class Hear:
    data: EventData


def _new_draft(message: UUID, audience: Audience, facts: list[UUID]) -> Command:
    made = draft(audience)
    return domain.DraftCommunication(
        message, audience, made.channel, made.title, made.text, tuple(facts), made.channels
    )


COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(_new_draft, MESSAGES, AUDIENCES, st.lists(st.sampled_from(FACT_IDS), max_size=2)),
    st.builds(Approve, MESSAGES, st.sampled_from([None, *ApprovalKind])),
    st.builds(Reject, MESSAGES, st.just("no")),
    st.builds(RequestSend, MESSAGES),
    st.builds(StartSend, MESSAGES, st.just(TEXTS)),
    st.builds(RecordDelivered, MESSAGES, ATTEMPTS),
    st.builds(RecordFailure, MESSAGES, ATTEMPTS, st.just("no")),
    st.builds(MarkUnknown, MESSAGES, ATTEMPTS),
    st.builds(DecideOutcome, MESSAGES, st.booleans(), st.just("asked")),
    st.builds(Waive, AUDIENCES, st.just("no")),
    st.just(NoteDuties()),
)


def _ask(command: Command, person: Actor, minutes: int) -> Ask:
    people = isinstance(command, PersonsCommand)
    return Ask(command, person if people else SENDER, timedelta(minutes=minutes))


HEARD: st.SearchStrategy[EventData] = st.one_of(
    st.sampled_from([assessed(), assessed(Severity.CRITICAL, InformationType.PII)]),
    st.builds(
        lambda number, known: fact(
            ALL_FACTS[number].key, UUID(int=0xD0 + number), known=known, corrects=FACT_IDS[number]
        ),
        st.integers(0, len(ALL_FACTS) - 1),
        st.booleans(),
    ),
)
STEPS = st.one_of(
    st.builds(_ask, COMMANDS, st.sampled_from(PEOPLE), st.integers(0, 15)),
    st.builds(_ask, COMMANDS, st.sampled_from(PEOPLE), st.integers(0, 15)),
    st.builds(_ask, COMMANDS, st.sampled_from(PEOPLE), st.integers(0, 15)),
    st.builds(Hear, HEARD),
)
FIRST_STEPS: list[Ask | Hear] = [
    Hear(assessed()),
    *(Hear(item) for item in ALL_FACTS),
    Ask(draft(Audience.PRESS), COMMS, timedelta()),
    Ask(Approve(MESSAGE), LEAD, timedelta()),
    Ask(Approve(MESSAGE), LEGAL, timedelta()),
    Ask(RequestSend(MESSAGE), COMMS, timedelta()),
    Ask(StartSend(MESSAGE, TEXTS), SENDER, timedelta()),
]


@dataclass(slots=True)
class Story:
    """What was said and heard in turn, and how things stood before each."""

    state: domain.State = domain.INITIAL
    now: datetime = START
    told: list[tuple[domain.State, Event]] = field(default_factory=list)

    def play(self, steps: list[Ask | Hear]) -> "Story":
        for step in steps:
            match step:
                case Hear(data=data):
                    self._add(data, "service:triage")
                case Ask(command=command, by=by, after=after):
                    self.now += after
                    self._carry_out(command, by)
        return self

    def _carry_out(self, command: Command, by: Actor) -> None:
        try:
            said = domain.decide(command, self.state, Context(self.now, by))
        except (Rejected, Missing):
            return
        for data in said:
            self._add(data, by.subject)

    def _add(self, data: EventData, by: str) -> None:
        new = event(bare(data), number=len(self.told) + 1, by=by, at=self.now)
        self.told.append((self.state, new))
        self.state = domain.evolve(self.state, new)


Rule = Callable[[list[tuple[domain.State, Event]]], None]


def one_started_at_a_time(told: list[tuple[domain.State, Event]]) -> None:
    """Between two starts of a message stands a failure, or the decision of a person that it did not
    arrive."""
    free = dict.fromkeys((MESSAGE, OTHER_MESSAGE), True)
    for _, said in told:
        match said.data:
            case SendStarted(communication_id=message):
                assert free[message]
                free[message] = False
            case (
                SendFailed(communication_id=message)
                | SendOutcomeDecided(communication_id=message, delivered=False)
            ):
                free[message] = True
            case Communicated(communication_id=message):
                assert not free[message], "communicated, and nothing was under way"
            case _:
                pass


def numbers_of_attempts_never_come_again(told: list[tuple[domain.State, Event]]) -> None:
    numbers = [
        (said.data.communication_id, said.data.attempt)
        for _, said in told
        if isinstance(said.data, SendStarted)
    ]
    assert len(numbers) == len(set(numbers))


def delivered_once(told: list[tuple[domain.State, Event]]) -> None:
    messages = [
        said.data.communication_id for _, said in told if isinstance(said.data, Communicated)
    ]
    assert len(messages) == len(set(messages))


def nothing_is_sent_that_was_turned_down(told: list[tuple[domain.State, Event]]) -> None:
    turned_down = set()
    for _, said in told:
        if isinstance(said.data, CommunicationRejected):
            turned_down.add(said.data.communication_id)
        elif isinstance(said.data, SendStarted | Communicated):
            assert said.data.communication_id not in turned_down


def outside_only_with_both_approvals_and_all_facts(told: list[tuple[domain.State, Event]]) -> None:
    drafts: dict[UUID, tuple[Audience, str]] = {}
    approvals: dict[UUID, dict[ApprovalKind, str]] = {MESSAGE: {}, OTHER_MESSAGE: {}}
    known: dict[UUID, str] = {}
    for before, said in told:
        match said.data:
            case CommunicationDrafted(communication_id=message, audience=audience):
                drafts[message] = (audience, said.actor)
            case CommunicationApproved(communication_id=message, approval=kind):
                approvals[message][kind] = said.actor
            case FactRecorded(fact_id=fact_id, key=key, known=is_known, corrects=corrects):
                known.pop(corrects, None) if corrects else None
                if is_known:
                    known[fact_id] = key
            case SendStarted(communication_id=message):
                audience, drafter = drafts[message]
                people = [drafter, *approvals[message].values()]
                assert len(people) == len(set(people)), "four eyes, or six"
                assert ApprovalKind.PEER in approvals[message]
                assert all(fact_id in known for fact_id in before.messages[message].facts)
                if audience not in INSIDE:
                    assert ApprovalKind.LEGAL in approvals[message]
                    assert set(OUTSIDE_FACTS) <= set(known.values())
                    assert before.assessment is not None
            case _:
                pass


def an_audience_is_required_and_waived_once(told: list[tuple[domain.State, Event]]) -> None:
    for kind in (CommunicationRequired, CommunicationWaived):
        audiences = [said.data.audience for _, said in told if isinstance(said.data, kind)]
        assert len(audiences) == len(set(audiences))


RULES: tuple[Rule, ...] = (
    one_started_at_a_time,
    numbers_of_attempts_never_come_again,
    delivered_once,
    nothing_is_sent_that_was_turned_down,
    outside_only_with_both_approvals_and_all_facts,
    an_audience_is_required_and_waived_once,
)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(STEPS, max_size=40), st.integers(0, len(FIRST_STEPS)))
def test_no_order_of_commands_breaks_a_rule(steps: list[Ask | Hear], known: int) -> None:
    story = Story().play([*FIRST_STEPS[:known], *steps])
    for rule in RULES:
        rule(story.told)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(STEPS, max_size=25), st.sampled_from(PEOPLE))
def test_the_next_commands_never_fail_and_are_known(steps: list[Ask | Hear], person: Actor) -> None:
    state = Story().play([*FIRST_STEPS[:8], *steps]).state
    assert set(next_commands(state, person)) <= {
        "draft_communication", "approve", "reject", "request_send", "decide_outcome", "waive"
    }  # fmt: skip


def test_the_first_steps_lead_to_a_message_that_is_under_way() -> None:
    assert isinstance(Story().play(FIRST_STEPS).told[-1][1].data, SendStarted)
