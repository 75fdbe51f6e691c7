"""Drafting, approving, sending: every decision and every refusal."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.notify import domain
from services.notify.domain import (
    Approve,
    Command,
    DecideOutcome,
    DraftCommunication,
    MarkUnknown,
    RecordDelivered,
    RecordFailure,
    Reject,
    RequestSend,
    StartSend,
)
from shared.contract.authority import Role
from shared.contract.catalogue.notify import (
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationRequested,
    SendFailed,
    SendOutcomeDecided,
    SendOutcomeUnknown,
    SendStarted,
)
from shared.contract.decision import Actor, Missing, Rejected
from shared.contract.vocabulary import ApprovalKind, Audience, FactKey
from tests.unit.given import START, Given, actor, given
from tests.unit.notify.world import (
    ALL_FACTS,
    CHANNELS,
    COMMS,
    COMMS_TOO,
    INSIDE_READY,
    IT,
    LEAD,
    LEGAL,
    LEGAL_APPROVED,
    LEGAL_TOO,
    MESSAGE,
    OTHER_FACTS,
    OUTSIDE_DRAFTED,
    OUTSIDE_READY,
    REPORTED,
    REQUESTED,
    RESPONDER,
    REVIEWER,
    SENDER,
    TEXT,
    TEXTS,
    TITLE,
    UNHEARD_OF,
    WHERE,
    WHERE_CORRECTED,
    WHERE_ESTABLISHED,
    Past,
    approved,
    assessed,
    communicated,
    draft,
    drafted,
    fact,
    started,
)

CORRECTION = fact(FactKey.WHERE, WHERE_CORRECTED, corrects=WHERE)
START_SEND = StartSend(MESSAGE, TEXTS)
NOW = START + timedelta(hours=1)

FAILED = SendFailed(communication_id=MESSAGE, attempt=1, error="no", retry_at=NOW)
FAILED_FOR_GOOD = FAILED.model_copy(update={"retry_at": None})
UNKNOWN = SendOutcomeUnknown(communication_id=MESSAGE, attempt=1)
TURNED_DOWN = CommunicationRejected(communication_id=MESSAGE, reason="too long")

STANDING: dict[str, Past] = {
    "draft": (),
    "turned down": (TURNED_DOWN,),
    "requested": (REQUESTED,),
    "started": (REQUESTED, started()),
    "failed": (REQUESTED, started(), FAILED),
    "failed for good": (REQUESTED, started(), FAILED_FOR_GOOD),
    "unknown": (REQUESTED, started(), UNKNOWN),
    "told": (REQUESTED, started(), communicated()),
}


def standing(condition: str) -> Given:
    return given(domain, *INSIDE_READY, *STANDING[condition])


class TestDrafting:
    @pytest.mark.parametrize("person", [COMMS, LEAD, LEGAL, RESPONDER])
    def test_a_statement_that_rests_on_an_established_fact_is_drafted(self, person: Actor) -> None:
        expected = CommunicationDrafted(
            communication_id=MESSAGE,
            audience=Audience.EXECUTIVES,
            channel="staff mail",
            title=TITLE,
            text=TEXT,
            facts=(WHERE,),
        )
        given(domain, REPORTED, WHERE_ESTABLISHED).when(draft(), by=person).then(expected)

    def test_a_draft_for_outside_waits_for_no_gate_yet(self) -> None:
        assert (
            given(domain, REPORTED, WHERE_ESTABLISHED)
            .when(draft(Audience.PRESS), by=COMMS)
            .decide()
        )

    @pytest.mark.parametrize("person", [IT, REVIEWER, SENDER])
    def test_others_do_not_draft(self, person: Actor) -> None:
        refusal = (
            given(domain, REPORTED, WHERE_ESTABLISHED)
            .when(draft(), by=person)
            .then_rejected("role")
        )
        assert refusal.who == (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS)

    def test_without_a_fact_it_is_refused(self) -> None:
        nothing_cited = DraftCommunication(
            MESSAGE, Audience.EXECUTIVES, "staff mail", TITLE, TEXT, (), CHANNELS
        )
        past = given(domain, REPORTED, WHERE_ESTABLISHED)
        past.when(nothing_cited, by=COMMS).then_rejected("rests_on_facts", missing=("facts",))

    def test_a_fact_that_is_not_known_here_is_named(self) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED)
        refusal = past.when(draft(Audience.EXECUTIVES, WHERE, UNHEARD_OF), by=COMMS).then_rejected(
            "fact_not_heard"
        )
        assert str(UNHEARD_OF) in refusal.detail

    def test_a_corrected_fact_is_named_with_its_correction(self) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, CORRECTION)
        refusal = past.when(draft(), by=COMMS).then_rejected("fact_corrected")
        assert all(
            name in refusal.detail
            for name in (FactKey.WHERE.value, str(WHERE), str(WHERE_CORRECTED))
        )
        assert refusal.missing == (f"where: {WHERE_CORRECTED} in place of {WHERE}",)

    def test_the_correction_itself_can_be_cited(self) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, CORRECTION)
        assert past.when(draft(Audience.EXECUTIVES, WHERE_CORRECTED), by=COMMS).decide()

    def test_a_correction_counts_whichever_is_heard_first(self) -> None:
        given(domain, REPORTED, CORRECTION, WHERE_ESTABLISHED).when(
            draft(), by=COMMS
        ).then_rejected("fact_corrected")

    def test_a_fact_that_is_unknown_carries_no_statement(self) -> None:
        past = given(domain, REPORTED, fact(FactKey.WHERE, WHERE, known=False))
        past.when(draft(), by=COMMS).then_rejected("fact_not_established", missing=("where",))

    def test_an_unknown_channel_is_refused_with_the_names_of_those_there_are(self) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED)
        refusal = past.when(draft(channel="carrier pigeon"), by=COMMS).then_rejected(
            "known_channel"
        )
        assert "press mail, staff mail" in refusal.detail

    def test_without_any_channel_the_refusal_says_so(self) -> None:
        nowhere = DraftCommunication(
            MESSAGE, Audience.EXECUTIVES, "staff mail", TITLE, TEXT, (WHERE,), frozenset()
        )
        refusal = (
            given(domain, REPORTED, WHERE_ESTABLISHED)
            .when(nowhere, by=COMMS)
            .then_rejected("known_channel")
        )
        assert "none is set up" in refusal.detail

    def test_an_id_is_used_once(self) -> None:
        given(domain, REPORTED, WHERE_ESTABLISHED, drafted()).when(draft(), by=COMMS).then_rejected(
            "new_draft"
        )


class TestApproving:
    @pytest.mark.parametrize("person", [LEAD, COMMS_TOO])
    def test_a_peer_approves_what_another_drafted(self, person: Actor) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, drafted(by=COMMS))
        expected = CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.PEER)
        past.when(Approve(MESSAGE), by=person).then(expected)

    @pytest.mark.parametrize("audience", [Audience.EXECUTIVES, Audience.PRESS])
    def test_who_drafted_does_not_approve(self, audience: Audience) -> None:
        past = given(domain, REPORTED, *ALL_FACTS, assessed(), drafted(audience, by=COMMS))
        refusal = past.when(Approve(MESSAGE), by=COMMS).then_rejected(
            "four_eyes", missing=("another_person",)
        )
        assert Role.LEAD in refusal.who

    def test_legal_approves_for_outside(self) -> None:
        expected = CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.LEGAL)
        given(domain, *OUTSIDE_DRAFTED).when(Approve(MESSAGE), by=LEGAL).then(expected)

    def test_the_two_approvals_for_outside_come_in_any_order(self) -> None:
        peer = CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.PEER)
        given(domain, *OUTSIDE_DRAFTED, LEGAL_APPROVED).when(Approve(MESSAGE), by=LEAD).then(peer)

    def test_one_person_does_not_give_both(self) -> None:
        both = actor("both", Role.LEGAL, Role.COMMUNICATIONS)
        past = given(domain, *OUTSIDE_DRAFTED, approved(both))
        past.when(Approve(MESSAGE, ApprovalKind.LEGAL), by=both).then_rejected("four_eyes")

    def test_who_may_give_either_gives_the_one_asked_for_or_the_first_lacking(self) -> None:
        both = actor("both", Role.LEGAL, Role.COMMUNICATIONS)
        legal = CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.LEGAL)
        given(domain, *OUTSIDE_DRAFTED).when(Approve(MESSAGE, ApprovalKind.LEGAL), by=both).then(
            legal
        )
        given(domain, *OUTSIDE_DRAFTED, approved()).when(Approve(MESSAGE), by=both).then(legal)

    @pytest.mark.parametrize(
        ("person", "kind", "who"),
        [
            (LEAD, ApprovalKind.LEGAL, (Role.LEGAL,)),
            (LEGAL, ApprovalKind.PEER, (Role.LEAD, Role.COMMUNICATIONS)),
        ],
    )
    def test_each_kind_is_for_its_roles(
        self, person: Actor, kind: ApprovalKind, who: tuple[Role, ...]
    ) -> None:
        refusal = (
            given(domain, *OUTSIDE_DRAFTED)
            .when(Approve(MESSAGE, kind), by=person)
            .then_rejected("role")
        )
        assert refusal.who == who

    def test_legal_cannot_stand_in_for_the_peer(self) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, drafted())
        past.when(Approve(MESSAGE), by=LEGAL).then_rejected("role")

    @pytest.mark.parametrize("person", [RESPONDER, IT, REVIEWER])
    def test_others_do_not_approve(self, person: Actor) -> None:
        given(domain, *OUTSIDE_DRAFTED).when(Approve(MESSAGE), by=person).then_rejected("role")

    def test_inside_the_company_no_legal_approval_is_asked_for(self) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, drafted())
        asked = past.when(Approve(MESSAGE, ApprovalKind.LEGAL), by=LEGAL)
        assert asked.then_rejected("approval_lacking").detail.endswith("is not asked for.")

    @pytest.mark.parametrize(
        ("past", "person"), [(INSIDE_READY, COMMS_TOO), (OUTSIDE_READY, LEGAL_TOO)]
    )
    def test_an_approval_is_given_once(self, past: Past, person: Actor) -> None:
        asked = given(domain, *past).when(Approve(MESSAGE), by=person)
        assert asked.then_rejected("approval_lacking").detail.endswith("was given already.")

    @pytest.mark.parametrize("person", [LEAD, LEGAL])
    def test_outside_nothing_is_approved_before_the_facts_are_in(self, person: Actor) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, assessed(), drafted(Audience.PRESS))
        missing = ("authentic_and_ours", "information_kind", "still_live", "who_can_see")
        refusal = past.when(Approve(MESSAGE), by=person).then_rejected("facts", missing=missing)
        assert refusal.who == (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT)

    def test_unknown_does_not_satisfy_the_fact_gate(self) -> None:
        live, *others = (OTHER_FACTS[2], *OTHER_FACTS[:2], OTHER_FACTS[3])
        unknown = live.model_copy(update={"known": False})
        past = given(
            domain,
            REPORTED,
            WHERE_ESTABLISHED,
            *others,
            unknown,
            assessed(),
            drafted(Audience.PRESS),
        )
        past.when(Approve(MESSAGE), by=LEGAL).then_rejected("facts", missing=("still_live",))

    def test_a_fact_corrected_into_unknown_closes_the_fact_gate(self) -> None:
        gone = fact(
            FactKey.STILL_LIVE, UUID(int=0xB0), known=False, corrects=OTHER_FACTS[2].fact_id
        )
        given(domain, *OUTSIDE_DRAFTED, gone).when(Approve(MESSAGE), by=LEGAL).then_rejected(
            "facts", missing=("still_live",)
        )

    def test_outside_nothing_is_approved_before_an_assessment(self) -> None:
        past = given(domain, REPORTED, *ALL_FACTS, drafted(Audience.CUSTOMERS))
        past.when(Approve(MESSAGE), by=LEGAL).then_rejected("facts", missing=("assessment",))

    def test_what_rests_on_a_corrected_fact_is_not_approved(self) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, drafted(), CORRECTION)
        past.when(Approve(MESSAGE), by=LEAD).then_rejected("fact_corrected")

    @pytest.mark.parametrize("condition", sorted(set(STANDING) - {"draft"}))
    def test_only_a_draft_is_approved(self, condition: str) -> None:
        standing(condition).when(Approve(MESSAGE), by=COMMS_TOO).then_rejected("draft_only")

    @pytest.mark.parametrize(
        "audience",
        sorted(set(Audience) - {Audience.EXECUTIVES, Audience.EMPLOYEES, Audience.LINE_MANAGER}),
    )
    def test_every_audience_that_is_not_named_as_inside_is_outside(
        self, audience: Audience
    ) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, drafted(audience))
        past.when(Approve(MESSAGE), by=LEGAL).then_rejected("facts")


class TestRejecting:
    @pytest.mark.parametrize("condition", ["draft", "requested", "failed", "failed for good"])
    @pytest.mark.parametrize("person", [COMMS, LEAD, LEGAL])
    def test_what_is_not_on_its_way_can_be_turned_down(self, condition: str, person: Actor) -> None:
        standing(condition).when(Reject(MESSAGE, "too long"), by=person).then(TURNED_DOWN)

    @pytest.mark.parametrize("condition", ["turned down", "started", "unknown", "told"])
    def test_else_it_is_too_late(self, condition: str) -> None:
        standing(condition).when(Reject(MESSAGE, "too long"), by=LEAD).then_rejected("not_sent_yet")

    def test_a_responder_does_not_reject(self) -> None:
        standing("draft").when(Reject(MESSAGE, "too long"), by=RESPONDER).then_rejected("role")


class TestRequesting:
    @pytest.mark.parametrize("condition", ["draft", "failed for good"])
    @pytest.mark.parametrize("person", [COMMS, LEAD, LEGAL])
    def test_a_person_asks_for_an_approved_message_to_be_sent(
        self, condition: str, person: Actor
    ) -> None:
        standing(condition).when(RequestSend(MESSAGE), by=person).then(REQUESTED)

    def test_outside_both_approvals_and_all_facts_are_there(self) -> None:
        given(domain, *OUTSIDE_READY).when(RequestSend(MESSAGE), by=COMMS).then(REQUESTED)

    def test_not_without_the_peers_approval(self) -> None:
        past = given(domain, REPORTED, WHERE_ESTABLISHED, drafted())
        refusal = past.when(RequestSend(MESSAGE), by=COMMS).then_rejected(
            "approval", missing=("peer_approval",)
        )
        assert refusal.who == (Role.LEAD, Role.COMMUNICATIONS)

    def test_outside_not_without_either_approval(self) -> None:
        when = given(domain, *OUTSIDE_DRAFTED).when(RequestSend(MESSAGE), by=COMMS)
        when.then_rejected("approval", missing=("peer_approval", "legal_approval"))

    def test_outside_not_without_legal(self) -> None:
        when = given(domain, *OUTSIDE_DRAFTED, approved()).when(RequestSend(MESSAGE), by=COMMS)
        refusal = when.then_rejected("legal", missing=("legal_approval",))
        assert refusal.who == (Role.LEGAL,)

    def test_not_on_a_fact_that_was_corrected_since(self) -> None:
        refusal = (
            given(domain, *INSIDE_READY, CORRECTION)
            .when(RequestSend(MESSAGE), by=LEAD)
            .then_rejected("fact_corrected")
        )
        assert str(WHERE_CORRECTED) in refusal.detail

    def test_outside_not_when_a_required_fact_fell_away_since(self) -> None:
        gone = fact(
            FactKey.STILL_LIVE, UUID(int=0xB0), known=False, corrects=OTHER_FACTS[2].fact_id
        )
        given(domain, *OUTSIDE_READY, gone).when(RequestSend(MESSAGE), by=LEAD).then_rejected(
            "facts"
        )

    @pytest.mark.parametrize(
        "condition", ["turned down", "requested", "started", "failed", "unknown", "told"]
    )
    def test_nothing_is_sent_twice(self, condition: str) -> None:
        standing(condition).when(RequestSend(MESSAGE), by=LEAD).then_rejected("sent_once")

    def test_a_responder_does_not_ask_for_it(self) -> None:
        standing("draft").when(RequestSend(MESSAGE), by=RESPONDER).then_rejected("role")


class TestSending:
    def test_a_requested_message_is_started(self) -> None:
        standing("requested").when(START_SEND, by=SENDER).then(started())

    def test_a_failed_one_is_started_again_when_it_is_due(self) -> None:
        standing("failed").when(START_SEND, by=SENDER, at=NOW).then(started(2))

    def test_not_before_it_is_due(self) -> None:
        early = NOW - timedelta(microseconds=1)
        standing("failed").when(START_SEND, by=SENDER, at=early).then_rejected("due")

    @pytest.mark.parametrize("condition", sorted(set(STANDING) - {"requested", "failed"}))
    def test_nothing_else_is_started(self, condition: str) -> None:
        standing(condition).when(START_SEND, by=SENDER, at=NOW).then_rejected("due")

    def test_a_fact_corrected_since_the_request_ends_it_by_name(self) -> None:
        (failed,) = standing("requested").and_given(CORRECTION).when(START_SEND, by=SENDER).decide()
        assert isinstance(failed, SendFailed)
        assert (failed.attempt, failed.retry_at) == (1, None)
        assert str(WHERE_CORRECTED) in failed.error

    def test_a_fact_corrected_between_two_attempts_ends_it(self) -> None:
        (failed,) = (
            standing("failed").and_given(CORRECTION).when(START_SEND, by=SENDER, at=NOW).decide()
        )
        assert isinstance(failed, SendFailed)
        assert (failed.attempt, failed.retry_at) == (2, None)

    def test_only_the_approved_text_is_sent(self) -> None:
        (failed,) = (
            standing("requested").when(StartSend(MESSAGE, "another text"), by=SENDER).decide()
        )
        assert isinstance(failed, SendFailed)
        assert failed.error == "Not sent. The text at hand is not the text that was approved."

    def test_a_reason_that_just_fits_is_kept_whole(self) -> None:
        fits = "x" * 500
        (failed,) = standing("started").when(RecordFailure(MESSAGE, 1, fits), by=SENDER).decide()
        assert isinstance(failed, SendFailed)
        assert failed.error == fits

    @pytest.mark.parametrize("length", [501, 600])
    def test_a_long_reason_is_cut_to_a_line(self, length: int) -> None:
        long = "x" * length
        (failed,) = standing("started").when(RecordFailure(MESSAGE, 1, long), by=SENDER).decide()
        assert isinstance(failed, SendFailed)
        assert failed.error == "x" * 499 + "…"


class TestRecording:
    def test_delivered_inside(self) -> None:
        standing("started").when(RecordDelivered(MESSAGE, 1), by=SENDER).then(communicated())

    def test_delivered_outside_names_both_approvers(self) -> None:
        past = given(domain, *OUTSIDE_READY, REQUESTED, started())
        expected = communicated(Audience.PRESS, 1, LEAD, LEGAL)
        past.when(RecordDelivered(MESSAGE, 1), by=SENDER).then(expected)

    @pytest.mark.parametrize(
        ("attempt", "wait"),
        [
            (1, timedelta(seconds=5)),
            (2, timedelta(seconds=30)),
            (3, timedelta(minutes=2)),
            (4, timedelta(minutes=10)),
            (5, None),
        ],
    )
    def test_a_failure_is_tried_again_after_a_while_and_at_last_not(
        self, attempt: int, wait: timedelta | None
    ) -> None:
        past = given(
            domain, *INSIDE_READY, REQUESTED, *(started(number) for number in range(1, attempt + 1))
        )
        expected = SendFailed(
            communication_id=MESSAGE,
            attempt=attempt,
            error="HTTP 503",
            retry_at=None if wait is None else NOW + wait,
        )
        past.when(RecordFailure(MESSAGE, attempt, "HTTP 503"), by=SENDER, at=NOW).then(expected)

    def test_a_new_request_begins_the_waits_anew_and_goes_on_counting(self) -> None:
        fifth = FAILED_FOR_GOOD.model_copy(update={"attempt": 5})
        past = given(domain, *INSIDE_READY, REQUESTED, started(5), fifth, REQUESTED, started(6))
        expected = SendFailed(
            communication_id=MESSAGE, attempt=6, error="no", retry_at=NOW + timedelta(seconds=5)
        )
        past.when(RecordFailure(MESSAGE, 6, "no"), by=SENDER, at=NOW).then(expected)

    def test_a_sender_that_died_leaves_the_outcome_unknown(self) -> None:
        standing("started").when(MarkUnknown(MESSAGE, 1), by=SENDER).then(UNKNOWN)

    @pytest.mark.parametrize("condition", sorted(set(STANDING) - {"started"}))
    def test_only_what_was_started_becomes_unknown(self, condition: str) -> None:
        standing(condition).when(MarkUnknown(MESSAGE, 1), by=SENDER).then_rejected(
            "attempt_under_way"
        )

    def test_the_late_word_of_the_very_same_attempt_settles_it(self) -> None:
        standing("unknown").when(RecordDelivered(MESSAGE, 1), by=SENDER).then(communicated())
        again = FAILED.model_copy(update={"retry_at": NOW + timedelta(seconds=5)})
        standing("unknown").when(RecordFailure(MESSAGE, 1, "no"), by=SENDER, at=NOW).then(again)

    @pytest.mark.parametrize("condition", sorted(set(STANDING) - {"started", "unknown"}))
    @pytest.mark.parametrize(
        "record", [RecordDelivered(MESSAGE, 1), RecordFailure(MESSAGE, 1, "no")]
    )
    def test_what_was_not_started_has_no_result(self, condition: str, record: Command) -> None:
        standing(condition).when(record, by=SENDER).then_rejected("attempt_under_way")

    @pytest.mark.parametrize("condition", ["started", "unknown"])
    @pytest.mark.parametrize(
        "record",
        [RecordDelivered(MESSAGE, 2), RecordFailure(MESSAGE, 2, "no"), MarkUnknown(MESSAGE, 2)],
    )
    def test_another_attempt_settles_nothing(self, condition: str, record: Command) -> None:
        standing(condition).when(record, by=SENDER).then_rejected("attempt_under_way")


class TestDecidingTheOutcome:
    def decided(self, *, delivered: bool) -> SendOutcomeDecided:
        return SendOutcomeDecided(
            communication_id=MESSAGE, attempt=1, delivered=delivered, reason="I asked them"
        )

    def test_a_person_who_found_out_that_it_arrived_makes_it_communicated(self) -> None:
        command = DecideOutcome(MESSAGE, delivered=True, reason="I asked them")
        standing("unknown").when(command, by=COMMS).then(
            self.decided(delivered=True), communicated()
        )

    def test_and_that_it_did_not_lets_it_be_requested_again(self) -> None:
        command = DecideOutcome(MESSAGE, delivered=False, reason="I asked them")
        standing("unknown").when(command, by=LEAD).then(self.decided(delivered=False))
        after = standing("unknown").and_given(self.decided(delivered=False))
        after.when(START_SEND, by=SENDER, at=NOW).then_rejected("due")
        after.when(RequestSend(MESSAGE), by=LEAD).then(REQUESTED)
        after.and_given(REQUESTED).when(START_SEND, by=SENDER).then(
            SendStarted(communication_id=MESSAGE, attempt=2)
        )

    def test_a_message_found_undelivered_is_a_draft_again_and_not_a_failed_one(self) -> None:
        after = standing("unknown").and_given(self.decided(delivered=False))
        # Of a draft the rules ask whether an approval is lacking; a failed message is past that.
        after.when(Approve(MESSAGE), by=COMMS_TOO).then_rejected("approval_lacking")
        again = DecideOutcome(MESSAGE, delivered=False, reason="once more")
        refusal = after.when(again, by=LEAD).then_rejected("outcome_open")
        assert refusal.detail.endswith("this message is a draft.")

    @pytest.mark.parametrize("condition", sorted(set(STANDING) - {"unknown"}))
    def test_there_is_nothing_else_to_decide(self, condition: str) -> None:
        command = DecideOutcome(MESSAGE, delivered=True, reason="I asked them")
        standing(condition).when(command, by=LEAD).then_rejected("outcome_open")

    def test_a_responder_does_not_decide_it(self) -> None:
        command = DecideOutcome(MESSAGE, delivered=True, reason="I asked them")
        standing("unknown").when(command, by=RESPONDER).then_rejected("role")


@pytest.mark.parametrize(
    "command",
    [
        Approve(MESSAGE),
        Reject(MESSAGE, "no"),
        RequestSend(MESSAGE),
        DecideOutcome(MESSAGE, delivered=True, reason="yes"),
        START_SEND,
        RecordDelivered(MESSAGE, 1),
        RecordFailure(MESSAGE, 1, "no"),
        MarkUnknown(MESSAGE, 1),
    ],
)
def test_a_message_that_nobody_drafted_is_missing(command: Command) -> None:
    with pytest.raises(Missing, match=str(MESSAGE)):
        given(domain, REPORTED).when(command, by=LEAD).decide()


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("draft", "is a draft"),
        ("turned down", "was rejected; draft a new one"),
        ("requested", "is waiting for the sender"),
        ("started", "is being sent, attempt 1"),
        ("failed", f"failed at attempt 1 and is tried again at {NOW}"),
        ("failed for good", "failed at attempt 1; a person may request it again"),
        ("unknown", "may or may not have arrived at attempt 1; a person decides"),
        ("told", "was delivered"),
    ],
)
def test_a_refusal_says_how_the_message_stands(condition: str, words: str) -> None:
    early, reason = NOW - timedelta(minutes=1), "no"
    commands = {
        Approve(MESSAGE): (COMMS_TOO, "draft_only"),
        Reject(MESSAGE, reason): (LEAD, "not_sent_yet"),
        RequestSend(MESSAGE): (LEAD, "sent_once"),
        DecideOutcome(MESSAGE, delivered=True, reason=reason): (LEAD, "outcome_open"),
        START_SEND: (SENDER, "due"),
        RecordDelivered(MESSAGE, 1): (SENDER, "attempt_under_way"),
    }
    refusals = {}
    for command, (person, _) in commands.items():
        try:
            standing(condition).when(command, by=person, at=early).decide()
        except Rejected as refusal:
            refusals[command] = refusal
    by_condition = {
        command: refusal
        for command, refusal in refusals.items()
        if refusal.rule == commands[command][1]
    }
    assert len(by_condition) >= 3
    for refusal in by_condition.values():
        assert refusal.detail.endswith(f"this message {words}.")


def test_what_other_services_say_besides_changes_nothing() -> None:
    state = given(domain, *INSIDE_READY).state
    assert given(domain, *INSIDE_READY).and_given(REPORTED).state == state
    assert isinstance(REQUESTED, CommunicationRequested)
