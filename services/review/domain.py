"""The rules of review: when a review opens, what a finding must say, and what publishing its report
waits for.

The closure gate stands first, as a table; a rule is changed there. Then one arm per decision, then
the gate as a reader sees it. The commands are in commands.py, what is remembered in incident.py,
what a caller may do next in offers.py, the report in report/."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from services.review.commands import (
    CitePolicyClause,
    Command,
    OpenReview,
    Publish,
    RecordFinding,
    Recording,
    RecordLesson,
    RecordObservation,
    SetNextReview,
)
from services.review.incident import (
    INITIAL,
    Incident,
    NotOpened,
    Published,
    State,
    UnderReview,
    evolve,
)
from shared.contract.authority import Role, who_may
from shared.contract.catalogue import review
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import ReviewTrigger
from shared.contract.decision import Actor, Context, Gate, Missing, Rejected, check_authority
from shared.contract.vocabulary import Determination, GateName

__all__ = ["INITIAL", "Command", "State", "decide", "evolve", "gates"]

OPENS: Final[Mapping[ReviewTrigger, tuple[Determination, ...]]] = {
    ReviewTrigger.CONFIRMED: (Determination.CONFIRMED,),
    ReviewTrigger.REQUESTED: (
        Determination.NEAR_MISS,
        Determination.SUSPECTED,
        Determination.CONFIRMED,
    ),
}
"""How an incident must be assessed for its review to open. A confirmed one opens by itself; by hand
only if that went wrong."""


class Item(StrEnum):
    """One thing that publishing waits for."""

    CONTAINED = "contained"
    COMMUNICATIONS = "communications"
    BREAK_GLASS = "break_glass"
    FINDING = "finding"
    PUBLISHER = "publisher"


CLOSURE: Final[Mapping[Determination, tuple[Item, ...]]] = {
    Determination.CONFIRMED: (
        Item.CONTAINED,
        Item.COMMUNICATIONS,
        Item.BREAK_GLASS,
        Item.FINDING,
        Item.PUBLISHER,
    ),
    Determination.SUSPECTED: (
        Item.CONTAINED,
        Item.COMMUNICATIONS,
        Item.BREAK_GLASS,
        Item.FINDING,
        Item.PUBLISHER,
    ),
    Determination.NEAR_MISS: (Item.COMMUNICATIONS, Item.BREAK_GLASS, Item.FINDING, Item.PUBLISHER),
    Determination.FALSE_POSITIVE: (
        Item.COMMUNICATIONS,
        Item.BREAK_GLASS,
        Item.FINDING,
        Item.PUBLISHER,
    ),
}
"""What publishing waits for. In a near miss nothing got out, so there is nothing to contain; a
review that was opened before the incident turned out to be none may still end in a report."""

WHO_CAN_SUPPLY: Final[Mapping[Item, tuple[Role, ...]]] = {
    Item.CONTAINED: who_may("carry_out"),
    Item.COMMUNICATIONS: who_may("request_send"),
    Item.BREAK_GLASS: who_may("confirm_break_glass"),
    Item.FINDING: who_may(RecordFinding),
    Item.PUBLISHER: who_may(Publish),
}

WHO_ASSESSES: Final = who_may("assess")


def decide(command: Command, state: State, context: Context) -> list[EventData]:
    """What the command makes true; [] when it says nothing new. Raises Rejected and Missing."""
    if not state.known:
        raise Missing("the incident")
    if not (isinstance(command, OpenReview) and command.trigger is ReviewTrigger.CONFIRMED):
        check_authority(command, context.actor)  # a confirmed one is the service's own reaction
    match state.review:
        case NotOpened():
            return _before_review(command, state)
        case UnderReview() as under_review:
            return _under_review(command, under_review, state, context)
        case Published():
            raise Rejected(
                "published",
                "The report is published and does not change; what is new is reported as a new incident.",
            )
        case _:
            assert_never(state.review)


def _before_review(command: Command, state: State) -> list[EventData]:
    if isinstance(command, OpenReview):
        return [_open(command.trigger, state)]
    raise Rejected(
        "review_opened",
        "No review of this incident is open; open one first.",
        missing=("review",),
        who=who_may(OpenReview),
    )


def _under_review(
    command: Command, under_review: UnderReview, state: State, context: Context
) -> list[EventData]:
    match command:
        case OpenReview(trigger=ReviewTrigger.CONFIRMED):
            return []
        case OpenReview():
            raise Rejected("opened_once", "The review of this incident is open already.")
        case Publish():
            return [_publish(command, under_review, state, context.actor)]
        case _:
            return [_record(command, context)]


def _record(command: Recording, context: Context) -> EventData:
    match command:
        case RecordFinding():
            return _finding(command, context)
        case RecordObservation(kind=kind, text=text):
            return review.ObservationRecorded(kind=kind, text=text)
        case RecordLesson(text=text):
            return review.LessonRecorded(text=text)
        case CitePolicyClause(policy=policy, clause=clause, comment=comment):
            return review.PolicyClauseCited(policy=policy, clause=clause, comment=comment)
        case SetNextReview():
            return _next_review(command, context)
        case _:
            assert_never(command)


def _open(trigger: ReviewTrigger, state: State) -> EventData:
    if state.dismissed:
        raise Rejected("dismissed", "The incident was dismissed: there is nothing to review.")
    allowed = OPENS[trigger]
    if state.determination not in allowed:
        raise Rejected(
            "opens_on_assessment",
            f"A review opens for an incident that is assessed as {' or '.join(allowed)}; this one is {state.assessed_as}.",
            missing=tuple(f"assessed_as_{determination}" for determination in allowed),
            who=WHO_ASSESSES,
        )
    return review.ReviewOpened(trigger=trigger)


def _finding(command: RecordFinding, context: Context) -> EventData:
    if bool(command.action_items) == bool(command.no_action_reason):
        raise Rejected(
            "finding_has_actions_or_reason",
            "A finding names what will be done about it, or why nothing will: one of the two, and not both.",
            missing=("action_items or no_action_reason",),
            who=who_may(RecordFinding),
        )
    today = context.now.date()
    if late := [item for item in command.action_items if item.due < today]:
        raise Rejected(
            "due_not_in_the_past",
            f"Nothing new can be due before today, {today} (UTC); due on {', '.join(str(item.due) for item in late)}.",
            missing=("due",),
            who=who_may(RecordFinding),
        )
    return review.FindingRecorded(
        finding_id=command.finding_id,
        contributing_factor=command.contributing_factor,
        control_layer=command.control_layer,
        training_adequate=command.training_adequate,
        policy_understood=command.policy_understood,
        action_items=command.action_items,
        no_action_reason=command.no_action_reason,
    )


def _next_review(command: SetNextReview, context: Context) -> EventData:
    today = context.now.date()
    if command.on <= today:
        raise Rejected(
            "next_review_in_the_future",
            f"The next review is on a day after today, {today} (UTC).",
            missing=("on",),
            who=who_may(SetNextReview),
        )
    return review.NextReviewSet(on=command.on)


def _publish(command: Publish, under_review: UnderReview, state: State, actor: Actor) -> EventData:
    if lacks := closure(state, under_review, actor):
        raise Rejected(
            GateName.CLOSURE.value,
            f"Publishing waits: {'; '.join(lack.detail for lack in lacks)}.",
            missing=tuple(name for lack in lacks for name in lack.missing),
            who=tuple(dict.fromkeys(role for lack in lacks for role in lack.who)),
        )
    if command.covers != state.covers:
        raise Rejected(
            LEAVES_NOTHING_OUT,
            "Something was said or heard since the report was made; make it again and publish that.",
        )
    return review.Reviewed(
        report=command.report,
        covers=command.covers,
        findings=under_review.findings,
        action_items=under_review.action_items,
        lessons=under_review.lessons,
        next_review_on=under_review.next_review_on,
    )


LEAVES_NOTHING_OUT: Final = "leaves_nothing_out"
"""The rule that a published report rests on all that review knows at that moment."""


@dataclass(frozen=True, slots=True)
class Lack:
    """What one item of the closure gate misses, and what the person reads about it."""

    item: Item
    missing: tuple[str, ...]
    detail: str

    @property
    def who(self) -> tuple[Role, ...]:
        return WHO_CAN_SUPPLY[self.item]


def _contained(state: Incident, _: UnderReview, __: Actor | None) -> Lack | None:
    # Dismissing is a recorded decision not to act, too, and the only one that is left once triage
    # has ended.
    if state.contained or state.inaction_decided or state.dismissed:
        return None
    detail = "no action was carried out with success, and nobody decided not to act"
    return Lack(Item.CONTAINED, ("contained_or_decision_not_to_act",), detail)


def _communications(state: Incident, _: UnderReview, __: Actor | None) -> Lack | None:
    if not state.owed:
        return None
    missing = tuple(f"communication_to_{audience}" for audience in state.owed)
    return Lack(
        Item.COMMUNICATIONS,
        missing,
        f"not told, and not waived with a reason: {', '.join(state.owed)}",
    )


def _break_glass(state: Incident, _: UnderReview, __: Actor | None) -> Lack | None:
    if not state.words_owed:
        return None
    owed = tuple(sorted(str(broken_id) for broken_id in state.words_owed))
    missing = tuple(f"second_word_on_break_glass_{broken_id}" for broken_id in owed)
    return Lack(
        Item.BREAK_GLASS,
        missing,
        f"a second person's word is owed on break-glass {', '.join(owed)}",
    )


def _one_finding(_: Incident, under_review: UnderReview, __: Actor | None) -> Lack | None:
    return (
        None
        if under_review.findings
        else Lack(Item.FINDING, ("finding",), "no finding is recorded")
    )


def _publisher(state: Incident, _: UnderReview, actor: Actor | None) -> Lack | None:
    if actor is None or actor.subject not in state.carried_out_by:
        return None
    return Lack(
        Item.PUBLISHER,
        ("another_publisher",),
        "who carried out actions does not publish the report on them",
    )


LOOKS_FOR: Final[Mapping[Item, Callable[[Incident, UnderReview, Actor | None], Lack | None]]] = {
    Item.CONTAINED: _contained,
    Item.COMMUNICATIONS: _communications,
    Item.BREAK_GLASS: _break_glass,
    Item.FINDING: _one_finding,
    Item.PUBLISHER: _publisher,
}
"""What an item misses; with an actor, when that person is to publish."""


def asked(state: Incident) -> tuple[Item, ...]:
    return CLOSURE[state.determination or Determination.CONFIRMED]


def closure(state: Incident, under_review: UnderReview, actor: Actor | None) -> Sequence[Lack]:
    """Everything that publishing still waits for, in the order of the table."""
    found = (LOOKS_FOR[item](state, under_review, actor) for item in asked(state))
    return [lack for lack in found if lack is not None]


def gates(state: State, actor: Actor | None = None) -> tuple[Gate, ...]:
    """The closure gate, item by item, while a review is open; with an actor, as it stands for that
    person."""
    if not isinstance(state.review, UnderReview):
        return ()
    lacks = {lack.item: lack for lack in closure(state, state.review, actor)}
    return tuple(_gate(item, lacks.get(item)) for item in asked(state))


def _gate(item: Item, lack: Lack | None) -> Gate:
    missing, who = (lack.missing, lack.who) if lack else ((), ())
    return Gate(GateName.CLOSURE, item.value, lack is None, missing, who)
