"""Histories that triage's rules would not have let come about: each is found, by one violation, at
the event that should not be there."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import pytest

from services.triage import domain
from services.triage.audit import audit, known
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    InactionDecided,
    IncidentDismissed,
    SeatFilled,
)
from shared.contract.decision import Context
from shared.contract.envelope import Event
from shared.contract.vocabulary import (
    Confidence,
    Determination,
    DismissalReason,
    FactKey,
    GateName,
    LegalView,
    Outcome,
    Seat,
)
from tests.unit.concealing import bare
from tests.unit.given import START, By, event, given
from tests.unit.triage.world import (
    ACTION,
    CLAIM,
    DISMISSED,
    FACT,
    FACTS,
    FACTS_ON_A_PERSON,
    LEAD,
    LEAD_TOO,
    OPEN,
    OTHER_GLASS,
    PROPOSED,
    PROTECT,
    READY,
    READY_TO_AUTHORISE,
    REPORTED,
    RESPONDER,
    SEATS,
    TAKEDOWN,
    UNHEARD_OF,
    Past,
    assess,
    assessed,
    authorised,
    broken,
    contained,
    fact,
    facts,
    legal_view,
    proposed,
    word,
)


def assessing(*past: EventData | By, as_: Determination = Determination.CONFIRMED) -> Past:
    """With the assessment that the rules make of it."""
    context = Context(START + timedelta(hours=1), RESPONDER)
    (said,) = domain.decide(assess(as_), given(domain, *past).state, context)
    return (*past, said)


def against_a_person(*past: EventData | By, protected: bool = True) -> Past:
    """All that is needed to authorise it, as far as the facts go."""
    return (
        *assessing(REPORTED, *past, *SEATS),
        proposed(CLAIM),
        legal_view(protected=protected),
    )


BROKEN: Past = (REPORTED, *FACTS, proposed(), broken())
INACTION: Final = InactionDecided(reason="It was gone.")


def but(data: EventData, **changed: Any) -> EventData:
    return data.model_copy(update=changed)


def history(past: Sequence[EventData | By]) -> list[Event]:
    return [
        event(bare(item.data), number=number, by=item.subject)
        if isinstance(item, By)
        else event(bare(item), number=number)
        for number, item in enumerate(past, 1)
    ]


CASES: Final[Sequence[tuple[str, str, Past, EventData | By]]] = [
    ("a fact before the report", "never_said", (), fact(FactKey.WHERE)),
    ("a seat before the report", "never_said", (), SeatFilled(seat=Seat.IT, holder="ivo")),
    (
        "a fact that corrects none",
        "correction_names_a_fact",
        OPEN,
        fact(FactKey.WHERE, corrects=UNHEARD_OF),
    ),
    (
        "seen tomorrow",
        "observed_in_the_future",
        OPEN,
        but(fact(FactKey.WHERE), observed_at=START + timedelta(days=1)),
    ),
    (
        "overridden without a reason",
        "override_says_why",
        (REPORTED, *FACTS, *SEATS),
        but(assessed(), severity_rule="overridden"),
    ),
    ("confirmed without its seats", "seats", (REPORTED, *FACTS), assessed()),
    (
        "a second assessment called the first",
        "said_otherwise",
        assessing(REPORTED, as_=Determination.SUSPECTED),
        assessing(REPORTED, as_=Determination.SUSPECTED)[-1],
    ),
    (
        "another class than its kind's",
        "said_otherwise",
        OPEN,
        but(proposed(), action_class="protective"),
    ),
    ("a legal view on no action", "never_said", OPEN, legal_view()),
    (
        "cleared with conditions that nobody named",
        "conditions_are_named",
        PROPOSED,
        legal_view(LegalView.CLEARED_WITH_CONDITIONS),
    ),
    ("authorised without facts", "facts", (*PROPOSED, legal_view()), authorised()),
    ("authorised without legal", "legal", (REPORTED, *FACTS, proposed()), authorised()),
    (
        "authorised on a refusal",
        "refused_by_legal",
        (REPORTED, *FACTS, proposed(), legal_view(LegalView.REFUSED)),
        authorised(),
    ),
    (
        "authorised as another kind",
        "said_otherwise",
        READY_TO_AUTHORISE,
        By(LEAD.subject, ActionAuthorised(action_id=ACTION, kind=CLAIM)),
    ),
    (
        "against a person on weak facts",
        "facts",
        against_a_person(
            *FACTS_ON_A_PERSON[:-1],
            fact(FactKey.HOW_POSTER_IS_KNOWN, FACT, confidence=Confidence.LOW),
        ),
        authorised(CLAIM),
    ),
    (
        "against a person, and protected activity not considered",
        "protected_activity",
        against_a_person(*FACTS_ON_A_PERSON, protected=False),
        authorised(CLAIM),
    ),
    (
        "carried out without a word",
        "authorisation",
        READY_TO_AUTHORISE,
        contained(authorised_by=None),
    ),
    ("carried out by who authorised it", "four_eyes", READY, By(LEAD.subject, contained())),
    (
        "carried out on another's word",
        "said_otherwise",
        READY,
        contained(authorised_by=LEAD_TOO.subject),
    ),
    (
        "carried out on another legal view",
        "said_otherwise",
        READY,
        contained(view=LegalView.REFUSED),
    ),
    (
        "carried out past a gate that nobody broke",
        "said_otherwise",
        READY,
        contained(broken=(OTHER_GLASS,)),
    ),
    ("carried out twice", "already_carried_out", (*READY, contained()), contained()),
    (
        "protective, on a word that nobody gave",
        "said_otherwise",
        (REPORTED, proposed(PROTECT)),
        contained(kind=PROTECT, authorised_by=LEAD.subject, view=None),
    ),
    ("glass broken for nothing that is proposed", "never_said", OPEN, broken()),
    (
        "glass broken against a person",
        "unbreakable",
        against_a_person(*FACTS_ON_A_PERSON)[:-1],
        broken(),
    ),
    (
        "glass broken past a refusal",
        "refused_by_legal",
        (REPORTED, *FACTS, proposed(), legal_view(LegalView.REFUSED)),
        broken(),
    ),
    (
        "glass broken, and something else missing",
        "said_otherwise",
        BROKEN[:-1],
        broken(missing=("where",)),
    ),
    ("a gate that break-glass never passes", "no_such_gate", BROKEN[:-1], broken(GateName.SEATS)),
    ("a word on glass that nobody broke", "never_said", OPEN, word(upheld=True)),
    ("a word of the one who broke it", "second_person", BROKEN, By("lead-lea", word(upheld=True))),
    (
        "a second word twice",
        "word_already_given",
        (*BROKEN, By("lou", word(upheld=True))),
        word(upheld=True),
    ),
    ("not to act without an assessment", "assessed_first", OPEN, INACTION),
    (
        "dismissed when confirmed",
        "dismissal_fits_the_assessment",
        assessing(REPORTED, *FACTS, *SEATS),
        DISMISSED,
    ),
    (
        "dismissed for a reason that does not fit",
        "dismissal_fits_the_assessment",
        OPEN,
        IncidentDismissed(reason=DismissalReason.NOT_AN_INCIDENT, note="so"),
    ),
    ("a fact after the dismissal", "dismissed", (REPORTED, DISMISSED), fact(FactKey.WHERE)),
    ("dismissed twice", "dismissed", (REPORTED, DISMISSED), DISMISSED),
]


@pytest.mark.parametrize(
    ("rule", "past", "said"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_what_could_not_be_said_is_found_alone(rule: str, past: Past, said: EventData | By) -> None:
    (found,) = audit(history((*past, said)))
    assert found.event.data == bare(said.data if isinstance(said, By) else said)
    assert (found.rule, bool(found.detail)) == (rule, True)


HONEST: Final[Sequence[tuple[str, Past]]] = [
    ("carried out", (*READY, By(RESPONDER.subject, contained()))),
    ("against a person", (*against_a_person(*FACTS_ON_A_PERSON), authorised(CLAIM))),
    ("glass broken and upheld", (*BROKEN, By("lou", word(upheld=True)))),
    ("protective at once", (REPORTED, proposed(PROTECT))),
    (
        "low confidence for what corrects",
        (
            REPORTED,
            *facts(*(data.key for data in FACTS), confidence=Confidence.LOW),
            proposed(TAKEDOWN),
            legal_view(),
            authorised(),
        ),
    ),
    ("tried again after a failure", (*READY, contained(Outcome.FAILED), contained())),
    ("nothing done", (*assessing(REPORTED, as_=Determination.SUSPECTED), INACTION)),
    ("let go", (REPORTED, DISMISSED)),
]


@pytest.mark.parametrize("past", [past for _, past in HONEST], ids=[name for name, _ in HONEST])
def test_what_could_be_said_is_not(past: Past) -> None:
    assert list(audit(history(past))) == []


class TestWhatIsKnown:
    @pytest.mark.parametrize(
        ("past", "owed"),
        [
            (BROKEN, 1),
            ((*BROKEN, By("lou", word(upheld=True))), 0),
            ((*BROKEN, By("lou", word(upheld=False))), 0),
        ],
        ids=["broken", "upheld", "not upheld"],
    )
    def test_counts_the_words_that_are_owed(self, past: Past, owed: int) -> None:
        assert known(history(past))["second_words_owed"] == owed

    def test_names_keys_and_seats_but_no_value(self) -> None:
        about = known(history((REPORTED, *FACTS, *SEATS)))
        assert set(about["facts"]) == {data.key for data in FACTS}
        assert about["seats"] == sorted([Seat.LEGAL, Seat.COMMUNICATIONS, Seat.IT])
        assert "a value" not in repr(about)

    @pytest.mark.parametrize("outcome", Outcome)
    def test_names_each_action_with_its_outcome(self, outcome: Outcome) -> None:
        assert known(history(READY))["actions"] == {str(ACTION): "platform_report: open"}
        about = known(history((*READY, contained(outcome))))
        assert about["actions"] == {str(ACTION): f"platform_report: {outcome}"}
