"""Acting: proposal, legal view, authorisation, carrying out, break-glass; every decision and every
refusal."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.triage import domain
from services.triage.domain.commands import (
    AuthoriseAction,
    BreakGlass,
    CarryOut,
    Command,
    ConfirmBreakGlass,
    DecideInaction,
    Dismiss,
    FillSeat,
    GiveLegalView,
    ProposeAction,
    RecordFact,
)
from services.triage.domain.gates import LOOKS_FOR
from services.triage.domain.tables import (
    ACTIONS,
    BREAKABLE,
    CLASS_OF,
    GATES,
    REQUIRED_FACTS,
    SUFFICIENT,
)
from shared.contract.authority import Role, who_may
from shared.contract.catalogue.triage import ActionAuthorised, ActionProposed, LegalViewGiven
from shared.contract.decision import Actor, Missing
from shared.contract.vocabulary import (
    CONTAINING,
    ActionClass,
    ActionKind,
    Confidence,
    Determination,
    DismissalReason,
    FactKey,
    GateName,
    LegalView,
    Outcome,
    Seat,
)
from tests.unit.given import START, By, actor, given
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
    LEAD_TOO,
    LEGAL,
    OPEN,
    OTHER_ACTION,
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
    TAKEDOWN,
    UNHEARD_OF,
    Past,
    assess,
    assessed,
    authorised,
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

AUTHORISE = AuthoriseAction(ACTION)
CONFIRM = ConfirmBreakGlass(GLASS, upheld=True, note="as I see it")
RECORD = RecordFact(FACT, FactKey.WHERE, "here", Confidence.HIGH, "seen", START)
FACT_NAMES = tuple(key.value for key in REQUIRED_FACTS[ActionClass.CORRECTIVE])

EVERY_COMMAND: tuple[Command, ...] = (
    RECORD,
    FillSeat(Seat.IT, "it-ivo"),
    assess(),
    ProposeAction(ACTION, TAKEDOWN, "the post"),
    give_view(),
    AUTHORISE,
    carry_out(),
    break_glass(),
    CONFIRM,
    DecideInaction("gone"),
    Dismiss(DismissalReason.DUPLICATE, "see there"),
)


def by_name(command: Command) -> str:
    return type(command).__name__


class TestWhatComesFirst:
    @pytest.mark.parametrize("command", EVERY_COMMAND, ids=by_name)
    def test_nothing_is_decided_on_what_nobody_reported(self, command: Command) -> None:
        with pytest.raises(Missing, match="the incident"):
            given(domain).when(command, by=LEAD).then()

    @pytest.mark.parametrize("command", EVERY_COMMAND, ids=by_name)
    def test_nothing_is_decided_on_what_was_dismissed(self, command: Command) -> None:
        given(domain, REPORTED, DISMISSED).when(command, by=LEAD).then_rejected("dismissed")

    @pytest.mark.parametrize("command", EVERY_COMMAND, ids=by_name)
    def test_whoever_may_not_is_told_who_may(self, command: Command) -> None:
        allowed = who_may(type(command))
        for role in set(Role) - set(allowed):
            refusal = (
                given(domain, REPORTED)
                .when(command, by=actor("somebody", role))
                .then_rejected("role")
            )
            assert refusal.who == allowed

    def test_every_command_says_who_may_give_it(self) -> None:
        assert all(who_may(type(command)) for command in EVERY_COMMAND)

    def test_a_late_event_changes_nothing_once_dismissed(self) -> None:
        given(domain, REPORTED, DISMISSED, *FACTS).when(RECORD, by=RESPONDER).then_rejected(
            "dismissed"
        )


class TestTheTables:
    def test_every_kind_of_action_has_one_class(self) -> None:
        assert sorted(CLASS_OF) == sorted(ActionKind)
        assert sum(map(len, ACTIONS.values())) == len(ActionKind)

    @pytest.mark.parametrize("table", [ACTIONS, GATES, BREAKABLE, REQUIRED_FACTS, SUFFICIENT])
    def test_every_table_has_every_class(self, table: dict[ActionClass, object]) -> None:
        assert set(table) == set(ActionClass)

    def test_every_gate_knows_what_it_looks_for(self) -> None:
        assert {gate for gates in GATES.values() for gate in gates} == set(LOOKS_FOR)

    def test_what_break_glass_may_pass_is_a_gate_there(self) -> None:
        for action_class, gates in BREAKABLE.items():
            assert set(gates) <= set(GATES[action_class])

    def test_what_is_protective_waits_for_nobody(self) -> None:
        assert GATES[ActionClass.PROTECTIVE] == ()

    def test_against_a_person_asks_for_all_that_corrective_asks_for_and_more(self) -> None:
        against, corrective = ActionClass.AGAINST_A_PERSON, ActionClass.CORRECTIVE
        assert set(GATES[against]) > set(GATES[corrective])
        assert set(REQUIRED_FACTS[against]) > set(REQUIRED_FACTS[corrective])
        assert set(SUFFICIENT[against]) < set(SUFFICIENT[corrective])

    def test_nothing_goes_round_a_gate_against_a_person(self) -> None:
        assert BREAKABLE[ActionClass.AGAINST_A_PERSON] == ()

    def test_all_that_is_corrective_contains_something(self) -> None:
        ends_exposure = {ActionKind.ROTATE_SECRET, ActionKind.REVOKE_ACCESS}
        assert {*ACTIONS[ActionClass.CORRECTIVE], *ends_exposure} == CONTAINING


class TestProposing:
    @pytest.mark.parametrize("kind", ActionKind)
    def test_the_class_follows_from_the_kind(self, kind: ActionKind) -> None:
        given(domain, *OPEN).when(
            ProposeAction(ACTION, kind, "the post", "it shows names"), by=IT
        ).then(
            ActionProposed(
                action_id=ACTION,
                kind=kind,
                action_class=CLASS_OF[kind],
                target="the post",
                reason="it shows names",
            )
        )


class TestTheLegalView:
    @pytest.mark.parametrize("view", [LegalView.CLEARED, LegalView.REFUSED])
    def test_is_given_on_one_action(self, view: LegalView) -> None:
        given(domain, *PROPOSED).when(give_view(view), by=LEGAL).then(legal_view(view))

    def test_with_conditions_names_them(self) -> None:
        refusal = (
            given(domain, *PROPOSED)
            .when(give_view(LegalView.CLEARED_WITH_CONDITIONS), by=LEGAL)
            .then_rejected("conditions_are_named", missing=("conditions",))
        )
        assert refusal.who == (Role.LEGAL,)
        given(domain, *PROPOSED).when(
            give_view(LegalView.CLEARED_WITH_CONDITIONS, "only the photo"), by=LEGAL
        ).then(
            LegalViewGiven(
                action_id=ACTION,
                view=LegalView.CLEARED_WITH_CONDITIONS,
                ground="the platform's terms",
                conditions="only the photo",
            )
        )

    def test_is_on_an_action_that_is_known(self) -> None:
        with pytest.raises(Missing, match=str(UNHEARD_OF)):
            given(domain, *PROPOSED).when(
                GiveLegalView(UNHEARD_OF, LegalView.CLEARED, "g"), by=LEGAL
            ).then()


class TestAuthorising:
    def test_when_facts_and_legal_are_in(self) -> None:
        given(domain, *READY_TO_AUTHORISE).when(AUTHORISE, by=LEAD).then(
            ActionAuthorised(action_id=ACTION, kind=TAKEDOWN)
        )

    def test_waits_for_every_required_fact_and_names_them(self) -> None:
        refusal = (
            given(domain, *PROPOSED)
            .when(AUTHORISE, by=LEAD)
            .then_rejected("facts", missing=FACT_NAMES)
        )
        assert refusal.who == who_may(RecordFact)

    @pytest.mark.parametrize("key", REQUIRED_FACTS[ActionClass.CORRECTIVE])
    def test_waits_for_each_of_them(self, key: FactKey) -> None:
        others = facts(
            *(other for other in REQUIRED_FACTS[ActionClass.CORRECTIVE] if other is not key)
        )
        given(domain, *PROPOSED, *others, legal_view()).when(AUTHORISE, by=LEAD).then_rejected(
            "facts", missing=(key,)
        )

    def test_unknown_is_no_fact(self) -> None:
        unknown = fact(FactKey.WHERE, UUID(int=0xDD), known=False)
        past = (
            *PROPOSED,
            *facts(*(key for key in REQUIRED_FACTS[ActionClass.CORRECTIVE] if key != "where")),
            unknown,
        )
        given(domain, *past, legal_view()).when(AUTHORISE, by=LEAD).then_rejected(
            "facts", missing=("where",)
        )

    def test_a_fact_that_was_corrected_to_unknown_counts_no_more(self) -> None:
        taken_back = fact(FactKey.WHERE, UUID(int=0xDD), known=False, corrects=UUID(int=0xD02))
        given(domain, *READY_TO_AUTHORISE, taken_back).when(AUTHORISE, by=LEAD).then_rejected(
            "facts", missing=("where",)
        )

    def test_waits_for_legal(self) -> None:
        refusal = (
            given(domain, *PROPOSED, *FACTS)
            .when(AUTHORISE, by=LEAD)
            .then_rejected("legal", missing=("legal_view",))
        )
        assert refusal.who == (Role.LEGAL,)

    def test_a_view_on_another_action_is_none_on_this(self) -> None:
        past = (*PROPOSED, *FACTS, proposed(action_id=OTHER_ACTION))
        elsewhere = legal_view().model_copy(update={"action_id": OTHER_ACTION})
        given(domain, *past, elsewhere).when(AUTHORISE, by=LEAD).then_rejected("legal")

    def test_a_refusal_by_legal_stands_until_legal_says_otherwise(self) -> None:
        refused = given(domain, *READY_TO_AUTHORISE, legal_view(LegalView.REFUSED))
        refused.when(AUTHORISE, by=LEAD).then_rejected("refused_by_legal", missing=("legal_view",))
        refused.and_given(legal_view()).when(AUTHORISE, by=LEAD).then(
            ActionAuthorised(action_id=ACTION, kind=TAKEDOWN)
        )

    def test_the_same_lead_again_says_nothing_new_and_another_does(self) -> None:
        given(domain, *READY).when(AUTHORISE, by=LEAD).then()
        given(domain, *READY).when(AUTHORISE, by=LEAD_TOO).then(
            ActionAuthorised(action_id=ACTION, kind=TAKEDOWN)
        )

    def test_is_not_asked_of_what_is_protective(self) -> None:
        given(domain, REPORTED, proposed(PROTECT)).when(AUTHORISE, by=LEAD).then_rejected(
            "waits_for_nobody"
        )

    def test_what_is_done_is_done(self) -> None:
        given(domain, *READY, contained()).when(AUTHORISE, by=LEAD).then_rejected(
            "already_carried_out"
        )

    def test_of_an_action_that_is_not_known(self) -> None:
        with pytest.raises(Missing, match=str(UNHEARD_OF)):
            given(domain, *READY).when(AuthoriseAction(UNHEARD_OF), by=LEAD).then()


class TestAgainstAPerson:
    def test_with_everything_it_is_authorised(self) -> None:
        past = READY_AGAINST[:-1]
        given(domain, *past).when(AUTHORISE, by=LEAD).then(
            ActionAuthorised(action_id=ACTION, kind=CLAIM)
        )

    def test_it_asks_who_posted_and_how_that_is_known(self) -> None:
        given(domain, REPORTED, *FACTS, proposed(CLAIM)).when(AUTHORISE, by=LEAD).then_rejected(
            "facts", missing=("who_posted", "how_poster_is_known")
        )

    def test_a_guess_is_not_enough(self) -> None:
        guess = fact(FactKey.WHO_POSTED, UUID(int=0xDE), confidence=Confidence.LOW)
        given(domain, REPORTED, *FACTS_ON_A_PERSON, guess, proposed(CLAIM)).when(
            AUTHORISE, by=LEAD
        ).then_rejected("facts", missing=("who_posted",))

    @pytest.mark.parametrize(
        "determination", sorted(set(Determination) - {Determination.CONFIRMED})
    )
    def test_it_waits_for_a_confirmed_assessment(self, determination: Determination) -> None:
        past: Past = (REPORTED, *FACTS_ON_A_PERSON, proposed(CLAIM), legal_view(protected=True))
        for assessments in ((), (assessed(determination),)):
            refusal = (
                given(domain, *past, *assessments)
                .when(AUTHORISE, by=LEAD)
                .then_rejected("confirmed_assessment")
            )
            assert refusal.who == (Role.RESPONDER, Role.LEAD)

    def test_the_legal_view_considered_protected_activity(self) -> None:
        past: Past = (
            REPORTED,
            *FACTS_ON_A_PERSON,
            *SEATS,
            assessed(),
            proposed(CLAIM),
            legal_view(),
        )
        given(domain, *past).when(AUTHORISE, by=LEAD).then_rejected(
            "protected_activity", missing=("protected_activity_considered",)
        )

    def test_no_gate_is_passed_by_break_glass(self) -> None:
        past: Past = (REPORTED, *FACTS_ON_A_PERSON, proposed(CLAIM))
        for gate in (
            GateName.CONFIRMED_ASSESSMENT,
            GateName.LEGAL,
            GateName.PROTECTED_ACTIVITY,
            GateName.AUTHORISATION,
        ):
            given(domain, *past).when(break_glass(gate), by=LEAD).then_rejected("unbreakable")

    def test_all_is_asked_again_when_it_is_carried_out(self) -> None:
        ready = given(domain, *READY_AGAINST)
        ready.when(carry_out(), by=RESPONDER).then(contained(kind=CLAIM))
        doubt = ready.and_given(assessed(Determination.SUSPECTED, revision=2))
        doubt.when(carry_out(), by=RESPONDER).then_rejected("confirmed_assessment")


class TestCarryingOut:
    @pytest.mark.parametrize("outcome", Outcome)
    def test_says_what_came_of_it_and_on_whose_authority(self, outcome: Outcome) -> None:
        given(domain, *READY).when(carry_out(outcome), by=RESPONDER).then(contained(outcome))

    @pytest.mark.parametrize("kind", ACTIONS[ActionClass.PROTECTIVE])
    def test_what_is_protective_waits_for_nobody(self, kind: ActionKind) -> None:
        given(domain, REPORTED, proposed(kind)).when(carry_out(), by=IT).then(
            contained(kind=kind, authorised_by=None, view=None)
        )

    def test_waits_for_an_authorisation(self) -> None:
        refusal = (
            given(domain, *READY_TO_AUTHORISE)
            .when(carry_out(), by=RESPONDER)
            .then_rejected("authorisation", missing=("authorisation",))
        )
        assert refusal.who == (Role.LEAD,)

    def test_who_authorised_does_not_act_unless_another_lead_authorised_too(self) -> None:
        given(domain, *READY).when(carry_out(), by=LEAD).then_rejected(
            "four_eyes", missing=("another_person",)
        )
        both = (*READY, authorised(by=LEAD_TOO.subject))
        given(domain, *both).when(carry_out(), by=LEAD).then(
            contained(authorised_by=LEAD_TOO.subject)
        )

    def test_asks_for_everything_again(self) -> None:
        given(domain, *READY, legal_view(LegalView.REFUSED)).when(
            carry_out(), by=RESPONDER
        ).then_rejected("refused_by_legal")
        taken_back = fact(FactKey.STILL_LIVE, UUID(int=0xDD), known=False, corrects=UUID(int=0xD03))
        given(domain, *READY, taken_back).when(carry_out(), by=RESPONDER).then_rejected(
            "facts", missing=("still_live",)
        )

    def test_what_did_not_succeed_is_tried_again(self) -> None:
        given(domain, *READY, contained(Outcome.FAILED)).when(carry_out(), by=RESPONDER).then(
            contained()
        )

    def test_what_is_done_is_done(self) -> None:
        given(domain, *READY, contained()).when(carry_out(), by=RESPONDER).then_rejected(
            "already_carried_out"
        )

    def test_how_it_ended_is_recorded_whatever_was_learned_meanwhile(self) -> None:
        begun = given(domain, *READY, contained(Outcome.ONGOING), legal_view(LegalView.REFUSED))
        begun.when(carry_out(), by=RESPONDER).then(contained(view=LegalView.REFUSED))
        begun.when(carry_out(Outcome.ONGOING), by=RESPONDER).then_rejected("refused_by_legal")

    def test_is_not_recorded_beforehand(self) -> None:
        early = CarryOut(ACTION, Outcome.SUCCESSFUL, START + timedelta(hours=1))
        given(domain, *READY).when(early, by=RESPONDER).then_rejected(
            "carried_out_in_the_future", missing=("carried_out_at",)
        )

    def test_of_an_action_that_is_not_known(self) -> None:
        with pytest.raises(Missing, match=str(UNHEARD_OF)):
            given(domain, *READY).when(
                CarryOut(UNHEARD_OF, Outcome.FAILED, START), by=RESPONDER
            ).then()


class TestBreakGlass:
    @pytest.mark.parametrize(
        ("gate", "missing"),
        [
            (GateName.FACTS, FACT_NAMES),
            (GateName.LEGAL, ("legal_view",)),
            (GateName.AUTHORISATION, ("authorisation",)),
        ],
    )
    def test_records_what_was_still_missing(self, gate: GateName, missing: tuple[str, ...]) -> None:
        given(domain, *PROPOSED).when(break_glass(gate), by=LEAD).then(
            broken(gate, missing=missing).data
        )

    def test_passes_the_gate_and_the_action_names_it(self) -> None:
        past = given(domain, *PROPOSED, *FACTS, broken())
        past.when(AUTHORISE, by=LEAD).then(ActionAuthorised(action_id=ACTION, kind=TAKEDOWN))
        past.and_given(authorised()).when(carry_out(), by=RESPONDER).then(
            contained(view=None, broken=(GLASS,))
        )

    def test_passes_four_eyes_too_and_the_second_word_is_owed_by_somebody_else(self) -> None:
        alone = given(domain, *READY)
        alone.when(break_glass(GateName.AUTHORISATION), by=LEAD).then(
            broken(GateName.AUTHORISATION, missing=("another_person",)).data
        )
        acting = alone.and_given(broken(GateName.AUTHORISATION, missing=("another_person",)))
        acting.when(carry_out(), by=LEAD).then(contained(authorised_by=None, broken=(GLASS,)))
        acting.when(CONFIRM, by=LEAD).then_rejected("second_person")

    def test_is_not_named_where_it_was_not_needed_after_all(self) -> None:
        given(domain, *PROPOSED, *FACTS, broken(), legal_view(), authorised()).when(
            carry_out(), by=RESPONDER
        ).then(contained())

    def test_passes_all_gates_when_each_is_broken(self) -> None:
        past = (
            *PROPOSED,
            broken(GateName.FACTS, UUID(int=1)),
            broken(GateName.LEGAL, UUID(int=2)),
            broken(GateName.AUTHORISATION, UUID(int=3)),
        )
        used = (UUID(int=1), UUID(int=2), UUID(int=3))
        given(domain, *past).when(carry_out(), by=RESPONDER).then(
            contained(authorised_by=None, view=None, broken=used)
        )

    def test_does_not_open_the_gate_of_another_action(self) -> None:
        past = (*PROPOSED, *FACTS, broken(), proposed(action_id=OTHER_ACTION))
        given(domain, *past).when(AuthoriseAction(OTHER_ACTION), by=LEAD).then_rejected("legal")

    def test_never_passes_a_refusal_by_legal(self) -> None:
        refused: Past = (*PROPOSED, *FACTS, legal_view(LegalView.REFUSED))
        given(domain, *refused).when(break_glass(), by=LEAD).then_rejected("refused_by_legal")
        given(domain, *PROPOSED, *FACTS, broken(), legal_view(LegalView.REFUSED)).when(
            AUTHORISE, by=LEAD
        ).then_rejected("refused_by_legal")

    def test_is_not_used_on_an_open_gate(self) -> None:
        given(domain, *PROPOSED, legal_view()).when(break_glass(), by=LEAD).then_rejected(
            "gate_is_open"
        )
        given(domain, *PROPOSED, broken()).when(
            break_glass(glass=OTHER_GLASS), by=LEAD
        ).then_rejected("gate_is_open")

    def test_is_not_used_where_there_is_no_gate(self) -> None:
        given(domain, REPORTED, proposed(PROTECT)).when(break_glass(), by=LEAD).then_rejected(
            "no_such_gate"
        )
        given(domain, *PROPOSED).when(break_glass(GateName.CLOSURE), by=LEAD).then_rejected(
            "no_such_gate"
        )

    def test_that_a_second_person_said_no_to_passes_nothing_and_is_not_repeated(self) -> None:
        overruled = given(domain, *PROPOSED, *FACTS, broken(), word(upheld=False))
        overruled.when(AUTHORISE, by=LEAD).then_rejected("legal")
        overruled.when(break_glass(glass=OTHER_GLASS), by=LEAD).then_rejected(
            "overruled", missing=("legal_view",)
        )

    def test_is_not_used_for_what_is_done(self) -> None:
        given(domain, *READY, contained()).when(break_glass(), by=LEAD).then_rejected(
            "already_carried_out"
        )

    def test_is_for_an_action_that_is_known(self) -> None:
        command = BreakGlass(GLASS, GateName.LEGAL, UNHEARD_OF, "forks multiply")
        with pytest.raises(Missing, match=str(UNHEARD_OF)):
            given(domain, *PROPOSED).when(command, by=LEAD).then()


class TestTheSecondWord:
    @pytest.mark.parametrize("person", [LEAD_TOO, LEGAL])
    @pytest.mark.parametrize("upheld", [True, False])
    def test_is_given_by_another_person(self, person: Actor, upheld: bool) -> None:
        command = ConfirmBreakGlass(GLASS, upheld=upheld, note="as I see it")
        given(domain, *PROPOSED, broken()).when(command, by=person).then(word(upheld=upheld))

    def test_is_not_given_by_who_broke_the_glass(self) -> None:
        refusal = (
            given(domain, *PROPOSED, broken()).when(CONFIRM, by=LEAD).then_rejected("second_person")
        )
        assert refusal.who == (Role.LEAD, Role.LEGAL)

    def test_is_not_given_by_who_carried_the_action_out(self) -> None:
        acted = By(LEGAL.subject, contained(Outcome.FAILED, broken=(GLASS,)))
        given(domain, *PROPOSED, broken(), acted).when(CONFIRM, by=LEGAL).then_rejected(
            "second_person"
        )

    def test_is_given_once(self) -> None:
        given(domain, *PROPOSED, broken(), word(upheld=True)).when(CONFIRM, by=LEGAL).then_rejected(
            "word_already_given"
        )

    def test_is_on_a_use_that_is_known(self) -> None:
        with pytest.raises(Missing, match=str(GLASS)):
            given(domain, *PROPOSED).when(CONFIRM, by=LEGAL).then()


@pytest.mark.parametrize("person", [COMMS, REVIEWER])
def test_nobody_but_a_lead_authorises(person: Actor) -> None:
    given(domain, *READY_TO_AUTHORISE).when(AUTHORISE, by=person).then_rejected("role")
