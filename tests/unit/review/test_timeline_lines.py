"""The timeline: the sentence that stands for each event, word by word, and what of it is people's
own."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from services.review.report.history import History
from services.review.report.timeline import NOT_UNDERSTOOD, line_of, timeline
from shared.contract.catalogue import MILESTONES, intake, notify, review, triage
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.vocabulary import (
    ActionKind,
    Answer,
    ApprovalKind,
    Audience,
    AudienceTier,
    Confidence,
    ControlLayer,
    Determination,
    DiscoveryMethod,
    GateName,
    InformationType,
    LegalView,
    ObservationKind,
    Outcome,
    Platform,
    PostKind,
    Seat,
    Severity,
)
from tests.unit.given import START, event
from tests.unit.review.story import (
    GLASS,
    MESSAGE,
    PROTECT,
    STORY,
    STORY_WITHOUT,
    TAKEDOWN,
    events,
    fact,
    not_understood,
)
from tests.unit.review.world import (
    DISMISSED,
    FINDING,
    GLASS_BROKEN,
    INACTION,
    ITEM,
    LATER,
    OPENED,
    REPORTED,
    REQUIRED,
    TOLD,
    WAIVED,
    WORD_GIVEN,
    finding_recorded,
    reviewed,
)

ASSESSED: Final = triage.Assessed(
    revision=1,
    determination=Determination.NEAR_MISS,
    information_types=(InformationType.PII,),
    exposure=Exposure(audience_tier=AudienceTier.B_FEW_OUTSIDERS),
    severity=Severity.WARNING,
    severity_rule="anything_else",
)
CONTAINED: Final = triage.Contained(
    action_id=TAKEDOWN,
    kind=ActionKind.ASK_AUTHOR_TO_REMOVE,
    action_class="corrective",
    outcome=Outcome.ONGOING,
    carried_out_at=START,
)
PROPOSED: Final = triage.ActionProposed(
    action_id=PROTECT,
    kind=ActionKind.LEGAL_CLAIM,
    action_class="against_a_person",
    target="the author",
)
FAILED: Final = notify.SendFailed(
    communication_id=MESSAGE, attempt=3, error="421 later", retry_at=START + timedelta(minutes=2)
)
DECIDED: Final = notify.SendOutcomeDecided(
    communication_id=MESSAGE, attempt=2, delivered=True, reason="She has read it."
)


def but(data: EventData, **changed: Any) -> EventData:
    return data.model_copy(update=changed)


def line(data: EventData) -> tuple[str, str | None]:
    return line_of(event(data))


REPORTS: Final = [
    (
        REPORTED,
        "Reported: a post of unknown kind on an unknown platform; who noticed it is unknown.",
        None,
    ),
    (
        but(REPORTED, exercise=True, description="A drill."),
        "Reported as an exercise: a post of unknown kind on an unknown platform; "
        "who noticed it is unknown.",
        "A drill.",
    ),
    (
        but(
            REPORTED,
            opens=False,
            discovery=DiscoveryMethod.SECURITY_RESEARCHER,
            exposure=Exposure(
                platform=Platform.OTHER, platform_name="a forum", post_kind=PostKind.CODE_REPOSITORY
            ),
        ),
        "Reported in addition: a code repository on a forum; noticed by security researcher.",
        None,
    ),
]

TRIAGE: Final = [
    (
        fact(FINDING, "who_can_see", "Everybody."),
        "Established with high confidence: who can see.",
        "Everybody.",
    ),
    (
        fact(FINDING, "where", "Page 19", corrects=GLASS),
        "Established with high confidence, correcting an earlier fact: where.",
        "Page 19",
    ),
    (
        but(fact(FINDING, "where", "Page 19"), confidence=Confidence.LOW),
        "Established with low confidence: where.",
        "Page 19",
    ),
    (
        fact(FINDING, "still_live", "unknown", known=False),
        "Recorded as unknown: still live.",
        None,
    ),
    (
        fact(FINDING, "still_live", "unknown", known=False, corrects=GLASS),
        "Recorded as unknown: still live, correcting an earlier fact.",
        None,
    ),
    (
        triage.SeatFilled(seat=Seat.COMMUNICATIONS, holder="cara"),
        "cara took the communications seat.",
        None,
    ),
    (
        ASSESSED,
        "Assessed as near miss, severity warning (rule: anything else), reach B (few outsiders).",
        None,
    ),
    (
        but(
            ASSESSED,
            severity_override_reason="It is worse.",
            facts_missing=("where", "who_can_see"),
            exposure=Exposure(),
        ),
        "Assessed as near miss, severity warning (rule: anything else), reach unknown. "
        "Facts missing: where, who can see.",
        "It is worse.",
    ),
    (INACTION, "Decided not to act.", "It was public before."),
    (DISMISSED, "Dismissed: duplicate.", "See the other one."),
]

ACTIONS: Final = [
    (PROPOSED, "Proposed: legal claim (against a person), aimed at “the author”.", None),
    (
        but(PROPOSED, reason="He did it twice."),
        "Proposed: legal claim (against a person), aimed at “the author”.",
        "He did it twice.",
    ),
    (
        triage.LegalViewGiven(
            action_id=TAKEDOWN, view=LegalView.CLEARED_WITH_CONDITIONS, ground="Our own slide."
        ),
        "Legal view on an action: cleared with conditions.",
        "Our own slide.",
    ),
    (
        triage.ActionAuthorised(action_id=TAKEDOWN, kind=ActionKind.COURT_ORDER),
        "Authorised: court order.",
        None,
    ),
    (
        GLASS_BROKEN,
        "Break-glass: passed the gate “legal” that still asked for: legal view. "
        "A second person's word is owed.",
        "A live key.",
    ),
    (
        but(GLASS_BROKEN, gate=GateName.CONFIRMED_ASSESSMENT, missing=()),
        "Break-glass: passed the gate “confirmed assessment”. A second person's word is owed.",
        "A live key.",
    ),
    (WORD_GIVEN, "A second person's word on break-glass: upheld.", "Right so."),
    (
        but(WORD_GIVEN, upheld=False),
        "A second person's word on break-glass: not upheld.",
        "Right so.",
    ),
    (
        CONTAINED,
        "Carried out: ask author to remove, on 2026-03-02 09:00:00 UTC; outcome ongoing.",
        None,
    ),
    (
        but(CONTAINED, outcome=Outcome.SUCCESSFUL, note="Gone."),
        "Carried out: ask author to remove, on 2026-03-02 09:00:00 UTC; outcome successful.",
        "Gone.",
    ),
]

MESSAGES: Final = [
    (REQUIRED, "It became a duty to tell executives (rule: a row).", None),
    (
        but(WAIVED, audience=Audience.DATA_SUBJECTS),
        "Telling data subjects was waived.",
        "They wrote the post.",
    ),
    *(
        (
            notify.CommunicationDrafted(
                communication_id=MESSAGE,
                audience=Audience.LINE_MANAGER,
                channel="staff mail",
                title="Mind the whiteboard",
                text="It is gone.",
                facts=tuple(UUID(int=number) for number in range(cited)),
            ),
            f"Drafted for line manager by staff mail, resting on {says}: “Mind the whiteboard”.",
            None,
        )
        for cited, says in ((0, "no fact"), (1, "1 fact"), (2, "2 facts"))
    ),
    *(
        (
            notify.CommunicationApproved(communication_id=MESSAGE, approval=kind),
            f"A message was approved ({kind}).",
            None,
        )
        for kind in ApprovalKind
    ),
    (
        notify.CommunicationRejected(communication_id=MESSAGE, reason="Too much."),
        "A message was turned down.",
        "Too much.",
    ),
]

SENDINGS: Final = [
    (
        notify.CommunicationRequested(communication_id=MESSAGE),
        "An approved message was handed over for sending.",
        None,
    ),
    (
        notify.SendStarted(communication_id=MESSAGE, attempt=7),
        "Sending began, attempt 7.",
        None,
    ),
    (
        FAILED,
        "Sending failed at attempt 3; to be tried again at 2026-03-02 09:02:00 UTC.",
        "421 later",
    ),
    (
        but(FAILED, retry_at=None),
        "Sending failed at attempt 3; not tried again by itself.",
        "421 later",
    ),
    (
        notify.SendOutcomeUnknown(communication_id=MESSAGE, attempt=1),
        "Whether attempt 1 arrived is unknown; a person decides.",
        None,
    ),
    (DECIDED, "A person found out that attempt 2 arrived.", "She has read it."),
    (
        but(DECIDED, delivered=False),
        "A person found out that attempt 2 did not arrive.",
        "She has read it.",
    ),
    (TOLD, "Told executives by staff mail; approved by lead-lea.", None),
    (
        but(TOLD, audience=Audience.PRESS, approved_by=("lea", "liv")),
        "Told press by staff mail; approved by lea, liv.",
        None,
    ),
    (
        but(TOLD, approved_by=()),
        "Told executives by staff mail; approved by nobody on record.",
        None,
    ),
]

REVIEWS: Final = [
    (OPENED, "The review was opened (confirmed).", None),
    (
        review.ReviewOpened(trigger=review.ReviewTrigger.REQUESTED),
        "The review was opened (requested).",
        None,
    ),
    (
        finding_recorded(reason="Moved."),
        "Finding: training missing; no action item.",
        "Nobody said so.",
    ),
    (finding_recorded(ITEM), "Finding: training missing; 1 action item.", "Nobody said so."),
    (
        but(finding_recorded(ITEM, ITEM), control_layer=ControlLayer.CULTURE_PRESSURE),
        "Finding: culture pressure; 2 action items.",
        "Nobody said so.",
    ),
    *(
        (review.ObservationRecorded(kind=kind, text="So."), f"Observed: {said}.", "So.")
        for kind, said in zip(
            ObservationKind, ("went well", "went wrong", "got lucky"), strict=True
        )
    ),
    (review.LessonRecorded(text="Look behind you."), "Lesson.", "Look behind you."),
    (
        review.PolicyClauseCited(policy="Social media", clause="4.2"),
        "Policy clause concerned: Social media, 4.2.",
        None,
    ),
    (
        review.PolicyClauseCited(policy="Social media", clause="4.2", comment="Not of rooms."),
        "Policy clause concerned: Social media, 4.2.",
        "Not of rooms.",
    ),
    (review.NextReviewSet(on=LATER), "The next review was set to 2026-06-01.", None),
    (reviewed(()), "The report was published with 1 finding.", None),
    (but(reviewed(()), findings=12), "The report was published with 12 findings.", None),
]

LINES: Final = [*REPORTS, *TRIAGE, *ACTIONS, *MESSAGES, *SENDINGS, *REVIEWS]


@pytest.mark.parametrize(
    ("data", "says", "quote"), LINES, ids=[type(data).__name__ for data, _, _ in LINES]
)
def test_each_event_has_its_sentence(data: EventData, says: str, quote: str | None) -> None:
    assert line(data) == (says, quote)


def test_the_table_has_every_type_of_event_of_an_incident() -> None:
    told = {type(data) for *_, data in (*STORY, *STORY_WITHOUT)}
    assert {type(data) for data, _, _ in LINES} == told
    assert intake.Reported in told


def test_what_people_wrote_is_quoted_and_never_told_as_our_own() -> None:
    """Targets, titles, holders and clauses are named; free text stands in the quotation alone."""
    for data, says, quote in LINES:
        if quote is not None:
            assert quote not in says, type(data).__name__


@pytest.mark.parametrize("answer", Answer)
def test_an_answer_in_a_finding_is_not_part_of_its_sentence(answer: Answer) -> None:
    said = finding_recorded(ITEM)
    assert line(but(said, training_adequate=answer)) == line(said)


def test_an_event_that_cannot_be_read_is_told_as_such_with_its_source() -> None:
    (opened, *_) = events()
    (row,) = timeline(History.of_events([not_understood(opened)]))
    assert (row.says, row.quote) == (NOT_UNDERSTOOD, None)
    assert (row.source.by, row.source.at) == ("monitor", START)


def test_the_milestones_and_no_others_are_marked() -> None:
    rows = timeline(History.of_events(events()))
    assert {row.type for row in rows if row.milestone} == {
        "reported",
        "assessed",
        "contained",
        "communicated",
    }
    assert all(row.milestone == (row.type in MILESTONES) for row in rows)


def test_rows_stand_in_the_order_of_time_whatever_the_order_of_arrival() -> None:
    known = events((*STORY, *STORY_WITHOUT))
    rows = timeline(History.of_events(known))
    assert rows == timeline(History.of_events(reversed(known)))
    assert [row.source.at for row in rows] == sorted(event.time for event in known)
