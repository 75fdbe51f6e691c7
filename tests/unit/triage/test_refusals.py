"""The words of every refusal of triage:
the rule, the sentence, what is missing, who supplies it."""

from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

import pytest

from services.triage import domain
from services.triage.domain.commands import (
    Assess,
    AuthoriseAction,
    Command,
    ConfirmBreakGlass,
    DecideInaction,
    Dismiss,
    FillSeat,
    RecordFact,
)
from shared.contract.authority import Role
from shared.contract.catalogue.base import Exposure
from shared.contract.decision import Actor, Missing
from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    Confidence,
    Determination,
    DismissalReason,
    FactKey,
    GateName,
    InformationType,
    LegalView,
    Outcome,
    Seat,
    Severity,
    Visibility,
)
from tests.unit.given import START, Refusal, given, rules_in
from tests.unit.triage.world import (
    ACTION,
    CLAIM,
    COMMS,
    DISMISSED,
    FACT,
    FACTS,
    FACTS_ON_A_PERSON,
    GLASS,
    IT,
    LEAD,
    LEGAL,
    OPEN,
    OTHER_GLASS,
    PROPOSED,
    PROTECT,
    READY,
    READY_AGAINST,
    READY_TO_AUTHORISE,
    REPORTED,
    RESPONDER,
    REVIEWER,
    SEATS,
    UNHEARD_OF,
    Past,
    assess,
    assessed,
    break_glass,
    broken,
    carry_out,
    contained,
    fact,
    facts,
    give_view,
    legal_view,
    proposed,
    word,
)

Table: TypeAlias = dict[str, tuple[Past, Command, Actor, Refusal]]

SPEAKERS = (Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS)
RESPOND = (Role.RESPONDER, *SPEAKERS, Role.IT)
ASSESSORS = (Role.RESPONDER, Role.LEAD)
SECOND_WORD = (Role.LEAD, Role.LEGAL)
BASIC = ("authentic_and_ours", "information_kind", "where", "still_live", "who_can_see")

CONFIRM = assess(Determination.CONFIRMED)
AUTHORISE = AuthoriseAction(ACTION)
CORRECTED = fact(FactKey.WHERE, UNHEARD_OF, corrects=FACT)
INSIDE = Exposure(
    visibility=Visibility.CLOSED_GROUP,
    audience_tier=AudienceTier.A_INTERNAL,
    still_live=Answer.NO,
    copies=0,
)
STRICTER = Assess(
    Determination.SUSPECTED, (InformationType.SYSTEM,), INSIDE, severity_override=Severity.HIGH
)


def record(key: str = FactKey.WHERE, *, corrects: bool = False, late: bool = False) -> RecordFact:
    observed = START + timedelta(days=1) if late else START
    return RecordFact(
        ACTION,
        key,
        "a page",
        Confidence.HIGH,
        "seen",
        observed,
        corrects=FACT if corrects else None,
    )


BEFORE_ACTION: Final[Table] = {
    "says anything once dismissed": (
        (*OPEN, DISMISSED),
        record(),
        RESPONDER,
        Refusal(
            "dismissed",
            "The incident was dismissed; report anything new about it as a new incident.",
        ),
    ),
    "records a fact without the role": (
        OPEN,
        record(),
        REVIEWER,
        Refusal(
            "role",
            "record_fact is for responder or lead or legal or communications or it.",
            who=RESPOND,
        ),
    ),
    "records tomorrow's fact": (
        OPEN,
        record(late=True),
        RESPONDER,
        Refusal(
            "observed_in_the_future",
            "A fact cannot be observed later than now.",
            missing=("observed_at",),
        ),
    ),
    "corrects what is no fact": (
        OPEN,
        record(corrects=True),
        RESPONDER,
        Refusal(
            "correction_names_a_fact",
            f"No fact {FACT} was recorded here.",
            missing=("corrects",),
        ),
    ),
    "corrects what was corrected": (
        (*OPEN, fact(FactKey.WHERE), CORRECTED),
        record(corrects=True),
        RESPONDER,
        Refusal(
            "corrected_already",
            "That fact was corrected already; correct the later one.",
            missing=("corrects",),
        ),
    ),
    "corrects another kind of fact": (
        (*OPEN, fact(FactKey.STILL_LIVE)),
        record(corrects=True),
        RESPONDER,
        Refusal(
            "correction_keeps_the_key",
            "That fact is about still_live, not where.",
            missing=("still_live",),
        ),
    ),
    "fills another's seat": (
        OPEN,
        FillSeat(Seat.LEGAL, LEGAL.subject),
        COMMS,
        Refusal(
            "seat_of_ones_own",
            "The legal seat is filled by lead, or taken in person by legal.",
            who=(Role.LEAD, Role.LEGAL),
        ),
    ),
    "puts somebody else into one's own kind of seat": (
        OPEN,
        FillSeat(Seat.IT, "somebody"),
        IT,
        Refusal(
            "seat_of_ones_own",
            "The it seat is filled by lead, or taken in person by it.",
            who=(Role.LEAD, Role.IT),
        ),
    ),
}

ASSESSING: Final[Table] = {
    "confirms with empty seats": (
        (*OPEN, SEATS[0]),
        CONFIRM,
        LEAD,
        Refusal(
            "seats",
            "An incident is confirmed once its seats are filled.",
            missing=("communications", "it"),
            who=(Role.LEAD, Role.COMMUNICATIONS, Role.IT),
        ),
    ),
    "overrides the table without a reason": (
        OPEN,
        STRICTER,
        LEAD,
        Refusal(
            "override_says_why",
            "The severity table gives low (all_else); another severity needs a reason.",
            missing=("severity_override_reason",),
        ),
    ),
    "decides not to act before an assessment": (
        OPEN,
        DecideInaction("It was public before."),
        LEAD,
        Refusal(
            "assessed_first",
            "Not to act is decided on an assessment.",
            missing=("assessment",),
            who=ASSESSORS,
        ),
    ),
    "decides not to act while somebody acts": (
        (*READY, assessed(), contained(Outcome.ONGOING)),
        DecideInaction("It was public before."),
        LEAD,
        Refusal(
            "action_ongoing",
            "An action is under way; record how it ended.",
            missing=(str(ACTION),),
            who=RESPOND,
        ),
    ),
    "dismisses what nobody assessed": (
        OPEN,
        Dismiss(DismissalReason.NOT_AN_INCIDENT, "a joke"),
        LEAD,
        Refusal(
            "dismissal_fits_the_assessment",
            "An incident that is not assessed is not dismissed as not_an_incident.",
            missing=("assessed_as_false_positive", "assessed_as_near_miss"),
            who=ASSESSORS,
        ),
    ),
    "dismisses what is confirmed": (
        (*OPEN, assessed()),
        Dismiss(DismissalReason.INSUFFICIENT_INFORMATION, "nobody knows"),
        LEAD,
        Refusal(
            "dismissal_fits_the_assessment",
            "An incident that is assessed as confirmed is not dismissed as "
            "insufficient_information.",
            missing=("assessed_as_suspected",),
            who=ASSESSORS,
        ),
    ),
    "dismisses while a second word is owed": (
        (*PROPOSED, broken(), broken(glass=OTHER_GLASS)),
        Dismiss(DismissalReason.DUPLICATE, "see the other one"),
        LEAD,
        Refusal(
            "word_owed",
            "A second person's word on break-glass is owed.",
            missing=(str(GLASS), str(OTHER_GLASS)),
            who=SECOND_WORD,
        ),
    ),
    "dismisses what was acted on": (
        (*READY, contained(Outcome.UNKNOWN)),
        Dismiss(DismissalReason.DUPLICATE, "see the other one"),
        LEAD,
        Refusal(
            "acted_on",
            f"An incident that was acted on ends in a review, not a dismissal: {ACTION}.",
        ),
    ),
}

ACTING: Final[Table] = {
    "clears with conditions that are not named": (
        PROPOSED,
        give_view(LegalView.CLEARED_WITH_CONDITIONS),
        LEGAL,
        Refusal(
            "conditions_are_named",
            "A view that clears an action with conditions names the conditions.",
            missing=("conditions",),
            who=(Role.LEGAL,),
        ),
    ),
    "authorises what needs no authorisation": (
        (REPORTED, proposed(PROTECT)),
        AUTHORISE,
        LEAD,
        Refusal(
            "waits_for_nobody",
            "rotate_secret is protective and needs no authorisation: carry it out.",
        ),
    ),
    "authorises what is done": (
        (*READY, contained()),
        AUTHORISE,
        LEAD,
        Refusal(
            "already_carried_out",
            "platform_report was carried out with success; propose another if one is needed.",
        ),
    ),
    "carries out tomorrow": (
        READY,
        replace(carry_out(), carried_out_at=START + timedelta(days=1)),
        RESPONDER,
        Refusal(
            "carried_out_in_the_future",
            "An action is recorded once it has been carried out; carried_out_at is after now.",
            missing=("carried_out_at",),
        ),
    ),
}

GATES: Final[Table] = {
    "authorises before the facts": (
        PROPOSED,
        AUTHORISE,
        LEAD,
        Refusal(
            "facts",
            "platform_report waits for facts that are known with low or medium or high "
            f"confidence: {', '.join(BASIC)}.",
            missing=BASIC,
            who=RESPOND,
        ),
    ),
    "authorises against a person on weak facts": (
        (
            REPORTED,
            *FACTS_ON_A_PERSON[:-1],
            *facts(FactKey.HOW_POSTER_IS_KNOWN, confidence=Confidence.LOW),
            proposed(CLAIM),
        ),
        AUTHORISE,
        LEAD,
        Refusal(
            "facts",
            "legal_claim waits for facts that are known with medium or high confidence: "
            "authentic_and_ours, how_poster_is_known.",
            missing=("authentic_and_ours", "how_poster_is_known"),
            who=RESPOND,
        ),
    ),
    "authorises before the legal view": (
        (REPORTED, *FACTS, proposed()),
        AUTHORISE,
        LEAD,
        Refusal(
            "legal",
            "platform_report waits for a legal view on this very action.",
            missing=("legal_view",),
            who=(Role.LEGAL,),
        ),
    ),
    "authorises what legal refused": (
        (REPORTED, *FACTS, proposed(), legal_view(LegalView.REFUSED)),
        AUTHORISE,
        LEAD,
        Refusal(
            "refused_by_legal",
            "Legal refused platform_report; only a new legal view changes that.",
            missing=("legal_view",),
            who=(Role.LEGAL,),
        ),
    ),
    "authorises against a person on a suspicion": (
        (REPORTED, *FACTS_ON_A_PERSON, assessed(Determination.SUSPECTED), proposed(CLAIM)),
        AUTHORISE,
        LEAD,
        Refusal(
            "confirmed_assessment",
            "legal_claim waits for an incident assessed as confirmed; "
            "this one is assessed as suspected.",
            missing=("confirmed_assessment",),
            who=ASSESSORS,
        ),
    ),
    "authorises against a person before any assessment": (
        (REPORTED, *FACTS_ON_A_PERSON, proposed(CLAIM)),
        AUTHORISE,
        LEAD,
        Refusal(
            "confirmed_assessment",
            "legal_claim waits for an incident assessed as confirmed; this one is not assessed.",
            missing=("confirmed_assessment",),
            who=ASSESSORS,
        ),
    ),
    "authorises against a person without a thought for their rights": (
        (REPORTED, *FACTS_ON_A_PERSON, assessed(), proposed(CLAIM), legal_view()),
        AUTHORISE,
        LEAD,
        Refusal(
            "protected_activity",
            "legal_claim waits for a legal view that considered whether the post is protected "
            "activity.",
            missing=("protected_activity_considered",),
            who=(Role.LEGAL,),
        ),
    ),
    "carries out before a lead authorises it": (
        READY_TO_AUTHORISE,
        carry_out(),
        RESPONDER,
        Refusal(
            "authorisation",
            "platform_report waits for a lead to authorise it.",
            missing=("authorisation",),
            who=(Role.LEAD,),
        ),
    ),
    "carries out what one authorised oneself": (
        READY_AGAINST,
        carry_out(),
        LEAD,
        Refusal(
            "four_eyes",
            "The person who authorised legal_claim does not carry it out: "
            "somebody else does, or another lead authorises it.",
            missing=("another_person",),
            who=(Role.LEAD,),
        ),
    ),
}

BREAKING_GLASS: Final[Table] = {
    "at a gate that is not asked": (
        PROPOSED,
        break_glass(GateName.CONFIRMED_ASSESSMENT),
        LEAD,
        Refusal("no_such_gate", "platform_report does not wait for confirmed_assessment."),
    ),
    "at an open gate": (
        READY_TO_AUTHORISE,
        break_glass(GateName.FACTS),
        LEAD,
        Refusal("gate_is_open", "facts is open for platform_report: there is no glass to break."),
    ),
    "against a refusal by legal": (
        (REPORTED, *FACTS, proposed(), legal_view(LegalView.REFUSED)),
        break_glass(),
        LEAD,
        Refusal(
            "refused_by_legal",
            "Legal refused platform_report; only a new legal view changes that.",
            missing=("legal_view",),
            who=(Role.LEGAL,),
        ),
    ),
    "against a person": (
        (REPORTED, proposed(CLAIM)),
        break_glass(),
        LEAD,
        Refusal(
            "unbreakable",
            "Break-glass does not pass legal for legal_claim.",
            missing=("legal_view",),
            who=(Role.LEGAL,),
        ),
    ),
    "after it was overruled": (
        (*PROPOSED, broken(), word(upheld=False)),
        break_glass(glass=OTHER_GLASS),
        LEAD,
        Refusal(
            "overruled",
            "A second person overruled passing legal by break-glass.",
            missing=("legal_view",),
            who=(Role.LEGAL,),
        ),
    ),
    "twice": (
        (*PROPOSED, broken()),
        break_glass(glass=OTHER_GLASS),
        LEAD,
        Refusal("gate_is_open", "Break-glass has passed legal for platform_report already."),
    ),
    "and gives the second word twice": (
        (*PROPOSED, broken(), word(upheld=True)),
        ConfirmBreakGlass(GLASS, upheld=True, note="as I see it"),
        LEGAL,
        Refusal(
            "word_already_given",
            "A second person has given their word on this break-glass already.",
        ),
    ),
    "and gives the second word oneself": (
        (*PROPOSED, broken()),
        ConfirmBreakGlass(GLASS, upheld=True, note="as I see it"),
        LEAD,
        Refusal(
            "second_person",
            "The word is for somebody who neither broke the glass nor carried out the action.",
            missing=("second_person",),
            who=SECOND_WORD,
        ),
    ),
}

REFUSALS: Final = {**BEFORE_ACTION, **ASSESSING, **ACTING, **GATES, **BREAKING_GLASS}


@pytest.mark.parametrize("scenario", REFUSALS)
def test_each_refusal_says(scenario: str) -> None:
    past, command, person, refusal = REFUSALS[scenario]
    given(domain, *past).when(command, by=person).then_refused(refusal)


def test_every_rule_is_in_a_table() -> None:
    assert rules_in(domain) <= {refusal.rule for *_, refusal in REFUSALS.values()}


@pytest.mark.parametrize(
    ("past", "command", "what"),
    [
        ((), CONFIRM, "the incident"),
        (OPEN, AUTHORISE, f"action {ACTION}"),
        (OPEN, carry_out(), f"action {ACTION}"),
        (OPEN, break_glass(), f"action {ACTION}"),
        (OPEN, ConfirmBreakGlass(GLASS, upheld=True, note="yes"), f"break-glass {GLASS}"),
    ],
)
def test_what_is_missing_is_named(past: Past, command: Command, what: str) -> None:
    with pytest.raises(Missing, match=f"^{what} is not known here$"):
        given(domain, *past).when(command, by=LEAD).decide()
