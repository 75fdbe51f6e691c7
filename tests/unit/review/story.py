"""One incident as review knows it at the end, and hostile copies of it: what the specs of the
report are told on."""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from shared.contract.catalogue import intake, notify, review, triage
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.disclosure import SALT_BYTES, Disclosure, by_digest, conceal, digests
from shared.contract.envelope import Event, Link, Unknown
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Answer,
    ApprovalKind,
    Audience,
    AudienceTier,
    AuthorRelation,
    Confidence,
    ControlLayer,
    Determination,
    DiscoveryMethod,
    DismissalReason,
    FactKey,
    GateName,
    InformationType,
    LegalView,
    ObservationKind,
    Outcome,
    Platform,
    PostKind,
    Seat,
    ServiceName,
    Severity,
    Visibility,
)
from tests.unit.given import INCIDENT, START
from tests.unit.review.world import LATER

KEY: Final = UUID(int=0xA0)
TAKEDOWN: Final = UUID(int=0xA1)
PROTECT: Final = UUID(int=0xA2)
GLASS: Final = UUID(int=0xB1)
MESSAGE: Final = UUID(int=0xC1)
OTHER_MESSAGE: Final = UUID(int=0xC2)
FINDING: Final = UUID(int=0xF1)
WHERE: Final = UUID(int=0xD3)
WHERE_CORRECTED: Final = UUID(int=0xD9)

Spoken = tuple[float, str, EventData]
"""Minutes after the start, who, what."""


def fact(
    fact_id: UUID, key: str, value: str, *, known: bool = True, corrects: UUID | None = None
) -> triage.FactRecorded:
    return triage.FactRecorded(
        fact_id=fact_id,
        key=key,
        known=known,
        value=value,
        confidence=Confidence.HIGH,
        source="Seen by the responder",
        observed_at=START,
        corrects=corrects,
    )


EXPOSURE: Final = Exposure(
    platform=Platform.OTHER,
    platform_name="a photo network",
    url="https://photos.example/p/19",
    post_kind=PostKind.POST,
    author_relation=AuthorRelation.EMPLOYEE,
    visibility=Visibility.PUBLIC,
    audience_tier=AudienceTier.D_PUBLIC,
    still_live=Answer.YES,
)

TOLD_BY_INTAKE: Final[Sequence[Spoken]] = (
    (
        0,
        "monitor",
        intake.Reported(
            opens=True,
            channel=intake.ReportChannel.API,
            reporter=UUID(int=0xE1),
            discovery=DiscoveryMethod.MONITORING,
            noticed_at=START - timedelta(minutes=10),
            description="A whiteboard with the roadmap stands behind a birthday cake.\nTwo "
            "product names can be read.",
            exposure=Exposure(
                platform=Platform.OTHER, platform_name="a photo network", post_kind=PostKind.POST
            ),
            information_types=(InformationType.PROPRIETARY,),
        ),
    ),
    (
        9,
        "employee-portal",
        intake.Reported(
            opens=False,
            channel=intake.ReportChannel.API,
            discovery=DiscoveryMethod.EMPLOYEE,
            description="I saw it, too.",
        ),
    ),
)

TOLD_BY_TRIAGE: Final[Sequence[Spoken]] = (
    (
        4,
        "it-ivo",
        triage.ActionProposed(
            action_id=PROTECT,
            kind=ActionKind.PRESERVE_EVIDENCE,
            action_class=ActionClass.PROTECTIVE,
            target="The post and its comments",
        ),
    ),
    (
        5,
        "it-ivo",
        triage.Contained(
            action_id=PROTECT,
            kind=ActionKind.PRESERVE_EVIDENCE,
            action_class=ActionClass.PROTECTIVE,
            outcome=Outcome.SUCCESSFUL,
            carried_out_at=START + timedelta(minutes=5),
        ),
    ),
    (
        6,
        "responder-rob",
        triage.ActionProposed(
            action_id=TAKEDOWN,
            kind=ActionKind.PLATFORM_REPORT,
            action_class=ActionClass.CORRECTIVE,
            target="https://photos.example/p/19",
            reason="It shows the roadmap.",
        ),
    ),
    (
        12,
        "responder-rob",
        fact(UUID(int=0xD1), FactKey.AUTHENTIC_AND_OURS, "Yes: our whiteboard, our names."),
    ),
    (
        13,
        "responder-rob",
        fact(UUID(int=0xD2), FactKey.INFORMATION_KIND, "Two product names and a date."),
    ),
    (14, "responder-rob", fact(WHERE, FactKey.WHERE, "https://photos.example/p/18")),
    (15, "responder-rob", fact(UUID(int=0xD4), FactKey.STILL_LIVE, "unknown", known=False)),
    (16, "responder-rob", fact(UUID(int=0xD5), FactKey.WHO_CAN_SEE, "Everybody.")),
    (18, "lead-lea", triage.SeatFilled(seat=Seat.LEGAL, holder="legal-liv")),
    (18.1, "lead-lea", triage.SeatFilled(seat=Seat.COMMUNICATIONS, holder="comms-cara")),
    (18.2, "lead-lea", triage.SeatFilled(seat=Seat.IT, holder="it-ivo")),
    (
        20,
        "responder-rob",
        triage.Assessed(
            revision=1,
            determination=Determination.CONFIRMED,
            information_types=(InformationType.PROPRIETARY,),
            exposure=EXPOSURE,
            severity=Severity.HIGH,
            severity_rule="proprietary_and_public",
            facts_known=(
                FactKey.AUTHENTIC_AND_OURS,
                FactKey.INFORMATION_KIND,
                FactKey.WHERE,
                FactKey.WHO_CAN_SEE,
            ),
            facts_missing=(FactKey.STILL_LIVE,),
        ),
    ),
    (
        31,
        "responder-rob",
        fact(WHERE_CORRECTED, FactKey.WHERE, "https://photos.example/p/19", corrects=WHERE),
    ),
    (36, "responder-rob", fact(UUID(int=0xD6), FactKey.STILL_LIVE, "Yes, seen at 09:35.")),
    (
        40,
        "lead-lea",
        triage.BreakGlassUsed(
            break_glass_id=GLASS,
            gate=GateName.LEGAL,
            action_id=TAKEDOWN,
            reason="It spreads, and legal does not answer.",
            missing=("legal_view",),
        ),
    ),
    (41, "lead-lea", triage.ActionAuthorised(action_id=TAKEDOWN, kind=ActionKind.PLATFORM_REPORT)),
    (
        45,
        "responder-rob",
        triage.Contained(
            action_id=TAKEDOWN,
            kind=ActionKind.PLATFORM_REPORT,
            action_class=ActionClass.CORRECTIVE,
            outcome=Outcome.SUCCESSFUL,
            carried_out_at=START + timedelta(minutes=44),
            authorised_by="lead-lea",
            break_glass=(GLASS,),
            note="Removed within a minute.",
        ),
    ),
    (
        80,
        "legal-liv",
        triage.LegalViewGiven(
            action_id=TAKEDOWN,
            view=LegalView.CLEARED,
            ground="Terms of use of the platform.",
            protected_activity_considered=True,
        ),
    ),
    (
        82,
        "legal-liv",
        triage.BreakGlassConfirmed(
            break_glass_id=GLASS, upheld=True, note="I would have cleared it."
        ),
    ),
)

TOLD_BY_NOTIFY: Final[Sequence[Spoken]] = (
    (
        20.5,
        "service:notify",
        notify.CommunicationRequired(audience=Audience.EXECUTIVES, rule="serious_to_executives"),
    ),
    (
        20.6,
        "service:notify",
        notify.CommunicationRequired(audience=Audience.EMPLOYEES, rule="talked_about_to_employees"),
    ),
    (
        50,
        "comms-cara",
        notify.CommunicationDrafted(
            communication_id=MESSAGE,
            audience=Audience.EXECUTIVES,
            channel="staff mail",
            title="A photo showed our roadmap",
            text="It was public for less than an hour.\nIt is gone.",
            facts=(WHERE, UUID(int=0xD5)),
        ),
    ),
    (
        55,
        "lead-lea",
        notify.CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.PEER),
    ),
    (56, "comms-cara", notify.CommunicationRequested(communication_id=MESSAGE)),
    (56.1, "service:notify", notify.SendStarted(communication_id=MESSAGE, attempt=1)),
    (
        56.2,
        "service:notify",
        notify.SendFailed(
            communication_id=MESSAGE,
            attempt=1,
            error="421 try again later",
            retry_at=START + timedelta(minutes=57),
        ),
    ),
    (57, "service:notify", notify.SendStarted(communication_id=MESSAGE, attempt=2)),
    (
        57.1,
        "service:notify",
        notify.Communicated(
            communication_id=MESSAGE,
            audience=Audience.EXECUTIVES,
            channel="staff mail",
            texts=("0" * 43, "1" * 43),
            facts=(WHERE, UUID(int=0xD5)),
            approved_by=("lead-lea",),
            attempt=2,
        ),
    ),
    (
        90,
        "lead-lea",
        notify.CommunicationWaived(audience=Audience.EMPLOYEES, reason="Nobody talks about it."),
    ),
)

TOLD_BY_REVIEW: Final[Sequence[Spoken]] = (
    (20.7, "service:review", review.ReviewOpened(trigger=review.ReviewTrigger.CONFIRMED)),
    (
        1500,
        "reviewer-ria",
        review.FindingRecorded(
            finding_id=FINDING,
            contributing_factor="New colleagues hear of the camera rule after a month.",
            control_layer=ControlLayer.TRAINING_MISSING,
            training_adequate=Answer.NO,
            policy_understood=Answer.UNKNOWN,
            action_items=(
                review.ActionItem(
                    description="Tell them on the first day", owner="trainer-tom", due=LATER
                ),
            ),
        ),
    ),
    (
        1510,
        "reviewer-ria",
        review.FindingRecorded(
            finding_id=UUID(int=0xF2),
            contributing_factor="The whiteboard faces the kitchen.",
            control_layer=ControlLayer.TOOL_DEFAULT,
            training_adequate=Answer.YES,
            policy_understood=Answer.YES,
            no_action_reason="It was moved the same day.",
        ),
    ),
    (
        1520,
        "reviewer-ria",
        review.ObservationRecorded(
            kind=ObservationKind.WENT_WELL, text="The evidence was kept before anything else."
        ),
    ),
    (
        1521,
        "reviewer-ria",
        review.ObservationRecorded(
            kind=ObservationKind.WENT_WRONG, text="Legal could not be reached for half an hour."
        ),
    ),
    (
        1522,
        "reviewer-ria",
        review.ObservationRecorded(
            kind=ObservationKind.GOT_LUCKY, text="The date on the board was wrong."
        ),
    ),
    (1530, "reviewer-ria", review.LessonRecorded(text="Look behind you before you take a photo.")),
    (
        1540,
        "reviewer-ria",
        review.PolicyClauseCited(
            policy="Social media", clause="4.2", comment="Speaks of documents, not of rooms."
        ),
    ),
    (1550, "reviewer-ria", review.NextReviewSet(on=LATER)),
)

STORY_WITHOUT: Final[Sequence[Spoken]] = (
    (
        91,
        "comms-carl",
        notify.CommunicationDrafted(
            communication_id=OTHER_MESSAGE,
            audience=Audience.EMPLOYEES,
            channel="staff mail",
            title="Mind the whiteboard",
            text="Something was posted.",
            facts=(WHERE,),
        ),
    ),
    (
        92,
        "lead-lea",
        notify.CommunicationRejected(communication_id=OTHER_MESSAGE, reason="It says too much."),
    ),
    (93, "service:notify", notify.SendOutcomeUnknown(communication_id=OTHER_MESSAGE, attempt=1)),
    (
        94,
        "comms-cara",
        notify.SendOutcomeDecided(
            communication_id=OTHER_MESSAGE,
            attempt=1,
            delivered=False,
            reason="Nobody has received it.",
        ),
    ),
    (95, "lead-lea", triage.InactionDecided(reason="It was gone before anybody saw it.")),
    (
        96,
        "lead-lea",
        triage.IncidentDismissed(
            reason=DismissalReason.INSUFFICIENT_INFORMATION, note="Nobody can say more."
        ),
    ),
    (
        1600,
        "reviewer-ria",
        review.Reviewed(
            report=review.ReportDigest(format=1, skeleton_sha256="1" * 64),
            covers=(review.Covered(service=ServiceName.INTAKE, sequence=2, hash="4" * 64),),
            findings=2,
            action_items=1,
            lessons=1,
            next_review_on=LATER,
        ),
    ),
)
"""What has no place in the story: with it, every type of event that there is of an incident."""

STORY: Final = (*TOLD_BY_INTAKE, *TOLD_BY_TRIAGE, *TOLD_BY_NOTIFY, *TOLD_BY_REVIEW)


def events(spoken: Sequence[Spoken] = STORY) -> list[Event]:
    """Each service's own chain on one partition, numbered in the order given; hashes are made up,
    and all different."""
    numbers = dict.fromkeys(ServiceName, 0)
    made: list[Event] = []
    for minutes, by, data in spoken:
        numbers[data.SAID_BY] += 1
        made.append(_event(data, data.SAID_BY, numbers[data.SAID_BY], minutes, by))
    return made


def _event(data: EventData, service: ServiceName, sequence: int, minutes: float, by: str) -> Event:
    name = hashlib.sha256(f"{service}/{sequence}".encode()).digest()
    return Event(
        id=UUID(bytes=name[:16], version=4),
        subject_id=INCIDENT,
        time=START + timedelta(minutes=minutes),
        actor=by,
        type=data.TYPE,
        data=data,
        link=Link(service, 3, sequence, ZERO_HASH, ZERO_HASH),
        keyid="00000000",
        correlation_id="test",
        causation_id=None,
        traceparent=None,
        hash=name,
        envelope=b"",
    )


def concealed(told: Sequence[Event]) -> tuple[list[Event], dict[str, Disclosure]]:
    """The same events as services say and hear them: with digests, and their texts beside them."""
    salts, found = (number.to_bytes(SALT_BYTES) for number in itertools.count(1)), {}
    said = []
    for event in told:
        assert isinstance(event.data, EventData)
        data, disclosures = conceal(event.data, lambda: next(salts))
        said.append(event._replace(data=data))
        found |= by_digest(disclosures)
    return said, found


def erasure_of(
    *texts: tuple[Event, str],
    found: Mapping[str, Disclosure],
    minutes: float = 5000,
    sequence: int = 100,
    ground: review.ErasureGround = review.ErasureGround.LEGAL_OBLIGATION,
) -> Event:
    """That these fields of these events are erased, said by review."""
    erased = [
        review.ErasedText(event_id=event.id, name=name, digest=one)
        for event, name in texts
        for one in digests(event.data)
        if found[one].named()[0] == name
    ]
    data = review.ContentErased(
        erasure_id=UUID(int=sequence),
        ground=ground,
        texts=tuple(erased),
        requested_by="privacy-pia",
        confirmed_by="legal-liv",
    )
    return _event(data, ServiceName.REVIEW, sequence, minutes, "legal-liv")


def not_understood(event: Event) -> Event:
    """The same event, of a version that this reader does not know."""
    return event._replace(
        type=event.type.replace(".v1", ".v9"), data=Unknown({"new": True}, "is new")
    )
