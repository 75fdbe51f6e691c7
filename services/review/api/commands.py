"""What people ask review to record: each route turns a request into its command."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.review.bodies import (
    FindingBody,
    LessonBody,
    NextReviewBody,
    ObservationBody,
    PolicyClauseBody,
)
from services.review.domain import State
from services.review.domain.commands import (
    CitePolicyClause,
    Command,
    OpenReview,
    RecordFinding,
    RecordLesson,
    RecordObservation,
    SetNextReview,
)
from shared.contract.authority import who_may
from shared.contract.catalogue.review import ActionItem, ReviewTrigger
from shared.runtime.web.bodies import Id
from shared.runtime.web.desk import Accepted, Desk, allow, desk
from shared.runtime.web.reading import StrictRoute

router = APIRouter(route_class=StrictRoute)

ReviewDesk = Annotated[Desk[Command, State], Depends(desk)]


@router.post(
    "/incidents/{incident_id}/review",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(OpenReview))],
    summary="Open a review by hand.",
    description="For a near miss or a suspected incident; the review of a confirmed one opens by "
    "itself.",
)
async def open_review(incident_id: Id, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, OpenReview(ReviewTrigger.REQUESTED))


@router.post(
    "/incidents/{incident_id}/findings",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(RecordFinding))],
    summary="Record a finding.",
    description="A contributing factor, the control layer that let it through, and either action "
    "items or a reason for none.",
)
async def record_finding(incident_id: Id, body: FindingBody, desk: ReviewDesk) -> Accepted:
    command = RecordFinding(
        finding_id=desk.new_id(),
        contributing_factor=body.contributing_factor,
        control_layer=body.control_layer,
        training_adequate=body.training_adequate,
        policy_understood=body.policy_understood,
        action_items=tuple(
            ActionItem(description=item.description, owner=item.owner, due=item.due)
            for item in body.action_items
        ),
        no_action_reason=body.no_action_reason,
    )
    return await desk.carry_out(incident_id, command)


@router.post(
    "/incidents/{incident_id}/observations",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(RecordObservation))],
    summary="Record what went well, what went wrong, or where we were lucky.",
    description="Luck is what would have made it worse, had it been otherwise.",
)
async def record_observation(incident_id: Id, body: ObservationBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, RecordObservation(body.kind, body.text))


@router.post(
    "/incidents/{incident_id}/lessons",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(RecordLesson))],
    summary="Record a lesson.",
    description="Everybody reads it under /lessons once the report is published: name nobody.",
)
async def record_lesson(incident_id: Id, body: LessonBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, RecordLesson(body.text))


@router.post(
    "/incidents/{incident_id}/policy-clauses",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(CitePolicyClause))],
    summary="Cite a policy clause that is concerned.",
    description="With a comment when the clause is to be changed, or was not understood.",
)
async def cite_policy_clause(incident_id: Id, body: PolicyClauseBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(
        incident_id, CitePolicyClause(body.policy, body.clause, body.comment)
    )


@router.post(
    "/incidents/{incident_id}/next-review",
    status_code=201,
    tags=["reviews"],
    dependencies=[allow(*who_may(SetNextReview))],
    summary="Set when this is looked at again.",
    description="The date that is set last holds.",
)
async def set_next_review(incident_id: Id, body: NextReviewBody, desk: ReviewDesk) -> Accepted:
    return await desk.carry_out(incident_id, SetNextReview(body.on))
