"""One arm per decision: a command, how things stand, and the events that follow, or the refusal by
name."""

from typing import assert_never

from services.review.domain import erasing
from services.review.domain.commands import (
    CitePolicyClause,
    Command,
    Erasing,
    OpenReview,
    Publish,
    RecordFinding,
    Recording,
    RecordLesson,
    RecordObservation,
    Reviewing,
    SetNextReview,
)
from services.review.domain.gates import closure
from services.review.domain.state import NotOpened, Published, State, UnderReview
from services.review.domain.tables import EDITIONS, LEAVES_NOTHING_OUT, WHO_ASSESSES, Tables
from shared.contract.authority import who_may
from shared.contract.catalogue import (
    EventData,
    FindingRecorded,
    LessonRecorded,
    NextReviewSet,
    ObservationRecorded,
    PolicyClauseCited,
    Reviewed,
    ReviewOpened,
    ReviewTrigger,
)
from shared.contract.decision import Actor, Context, Missing, Rejected, check_authority


def edition_for(command: Command, state: State) -> int:
    """The edition of the rules under which the command is decided: the newest, but in a review the
    one that it was opened under."""
    if isinstance(command, Reviewing) and isinstance(state.review, UnderReview):
        return state.review.edition
    return EDITIONS.newest


def decide(command: Command, state: State, context: Context) -> list[EventData]:
    """What the command makes true; [] when it says nothing new. Raises Rejected and Missing."""
    if not state.known:
        raise Missing("the incident")
    tables = EDITIONS.under(context.edition)
    if isinstance(command, Erasing):
        return erasing.decide(command, state, context, tables)
    if not (isinstance(command, OpenReview) and command.trigger is ReviewTrigger.CONFIRMED):
        check_authority(command, context.actor)  # a confirmed one is the service's own reaction
    match state.review:
        case NotOpened():
            return _before_review(command, state, tables)
        case UnderReview() as under_review:
            _check_edition(context.edition, under_review)
            return _under_review(command, under_review, state, context)
        case Published():
            raise Rejected(
                "published",
                "The report is published and does not change; what is new is reported as a new "
                "incident.",
            )
        case _:
            assert_never(state.review)


def _before_review(command: Reviewing, state: State, tables: Tables) -> list[EventData]:
    if isinstance(command, OpenReview):
        return [_open(command.trigger, state, tables)]
    raise Rejected(
        "review_opened",
        "No review of this incident is open; open one first.",
        missing=("review",),
        who=who_may(OpenReview),
    )


def _check_edition(edition: int | None, under_review: UnderReview) -> None:
    """Raises Rejected where the rules changed between two steps of one review, and UnknownEdition
    where it was opened by a newer build."""
    EDITIONS.under(under_review.edition)
    if edition is not None and edition != under_review.edition:
        raise Rejected(
            "edition_of_the_review",
            f"The review was opened under edition {under_review.edition} of the rules and ends "
            f"under it; this is decided under edition {edition}.",
        )


def _under_review(
    command: Reviewing, under_review: UnderReview, state: State, context: Context
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
            return ObservationRecorded(kind=kind, text=text)
        case RecordLesson(text=text):
            return LessonRecorded(text=text)
        case CitePolicyClause(policy=policy, clause=clause, comment=comment):
            return PolicyClauseCited(policy=policy, clause=clause, comment=comment)
        case SetNextReview():
            return _next_review(command, context)
        case _:
            assert_never(command)


def _open(trigger: ReviewTrigger, state: State, tables: Tables) -> EventData:
    if state.dismissed:
        raise Rejected("dismissed", "The incident was dismissed: there is nothing to review.")
    allowed = tables.opens[trigger]
    if state.determination not in allowed:
        raise Rejected(
            "opens_on_assessment",
            f"A review opens for an incident that is assessed as {' or '.join(allowed)}; "
            f"this one is {state.assessed_as}.",
            missing=tuple(f"assessed_as_{determination}" for determination in allowed),
            who=WHO_ASSESSES,
        )
    return ReviewOpened(trigger=trigger)


def _finding(command: RecordFinding, context: Context) -> EventData:
    if bool(command.action_items) == bool(command.no_action_reason):
        raise Rejected(
            "finding_has_actions_or_reason",
            "A finding names what will be done about it, or why nothing will: one of the two, "
            "and not both.",
            missing=("action_items or no_action_reason",),
            who=who_may(RecordFinding),
        )
    today = context.now.date()
    if late := [item for item in command.action_items if item.due < today]:
        raise Rejected(
            "due_not_in_the_past",
            f"Nothing new can be due before today, {today} (UTC); "
            f"due on {', '.join(str(item.due) for item in late)}.",
            missing=("due",),
            who=who_may(RecordFinding),
        )
    return FindingRecorded(
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
    return NextReviewSet(on=command.on)


def _publish(command: Publish, under_review: UnderReview, state: State, actor: Actor) -> EventData:
    lacks = [lack for lack in closure(state, under_review, actor).values() if lack is not None]
    if lacks:
        raise Rejected(
            lacks[0].rule,
            f"Publishing waits: {'; '.join(lack.detail for lack in lacks)}.",
            missing=tuple(name for lack in lacks for name in lack.missing),
            who=tuple(dict.fromkeys(role for lack in lacks for role in lack.who)),
        )
    if command.covers != state.covers:
        raise Rejected(
            LEAVES_NOTHING_OUT,
            "Something was said or heard since the report was made; make it again and publish "
            "that.",
        )
    return Reviewed(
        report=command.report,
        covers=command.covers,
        findings=under_review.findings,
        action_items=under_review.action_items,
        lessons=under_review.lessons,
        next_review_on=under_review.next_review_on,
    )
