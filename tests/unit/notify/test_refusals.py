"""The words of every refusal of notify: the rule, the sentence, what is missing, who supplies it.

A table to read: a changed sentence, rule or supplier is changed here as well."""

from datetime import timedelta
from typing import Final, TypeAlias
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
    Waive,
)
from shared.contract.authority import Role
from shared.contract.catalogue.notify import (
    CommunicationRejected,
    CommunicationRequired,
    CommunicationWaived,
    SendFailed,
    SendOutcomeUnknown,
)
from shared.contract.decision import Actor, Missing
from shared.contract.vocabulary import ApprovalKind, Audience, FactKey
from tests.unit.given import START, Refusal, actor, given, rules_in
from tests.unit.notify.world import (
    ALL_FACTS,
    CHANNELS,
    COMMS,
    COMMS_TOO,
    INSIDE_READY,
    LEAD,
    LEGAL,
    LEGAL_TOO,
    MESSAGE,
    OUTSIDE_DRAFTED,
    OUTSIDE_READY,
    REPORTED,
    REQUESTED,
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

Case: TypeAlias = tuple[Past, Command, Actor, Refusal]

NOW = START + timedelta(hours=1)
START_SEND = StartSend(MESSAGE, TEXTS)
DELIVERED = DecideOutcome(MESSAGE, delivered=True, reason="I asked them")
CORRECTION = fact(FactKey.WHERE, WHERE_CORRECTED, corrects=WHERE)
WHERE_UNKNOWN = fact(FactKey.WHERE, WHERE, known=False)
REQUIRED = CommunicationRequired(audience=Audience.EXECUTIVES, rule="serious_to_executives")
WAIVED = CommunicationWaived(audience=Audience.EXECUTIVES, reason="They wrote the post.")
BOTH = actor("both", Role.LEGAL, Role.COMMUNICATIONS)

PEERS = (Role.LEAD, Role.COMMUNICATIONS)
SPEAKERS = (Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS)
DRAFTERS = (Role.RESPONDER, *SPEAKERS)
ESTABLISH = (Role.RESPONDER, *SPEAKERS, Role.IT)

ESTABLISHED: Past = (REPORTED, WHERE_ESTABLISHED)
DRAFTED: Past = (*ESTABLISHED, drafted())


def drafting(
    *facts: UUID, channel: str = "staff mail", channels: frozenset[str] = CHANNELS
) -> DraftCommunication:
    return DraftCommunication(
        MESSAGE, Audience.EXECUTIVES, channel, TITLE, TEXT, facts, channels=channels
    )


def not_established(*missing: str) -> str:
    return (
        "press is outside the company, and is told nothing before these are established: "
        f"{', '.join(missing)}."
    )


AUTHORITY: Final[dict[str, Case]] = {
    "drafts without the role": (
        ESTABLISHED,
        draft(),
        SENDER,
        Refusal(
            "role",
            "draft_communication is for responder or lead or legal or communications.",
            who=DRAFTERS,
        ),
    ),
    "waives without the role": (
        (REPORTED, REQUIRED),
        Waive(Audience.EXECUTIVES, "no need"),
        COMMS,
        Refusal("role", "waive is for lead or legal.", who=(Role.LEAD, Role.LEGAL)),
    ),
    "approves for legal as a peer": (
        OUTSIDE_DRAFTED,
        Approve(MESSAGE, ApprovalKind.LEGAL),
        LEAD,
        Refusal("role", "The legal approval is for legal to give.", who=(Role.LEGAL,)),
    ),
    "approves as a peer from legal": (
        DRAFTED,
        Approve(MESSAGE),
        LEGAL,
        Refusal("role", "The peer approval is for lead or communications to give.", who=PEERS),
    ),
}

DUTIES: Final[dict[str, Case]] = {
    "waives what is no duty": (
        (REPORTED,),
        Waive(Audience.EXECUTIVES, "no need"),
        LEAD,
        Refusal("owed", "No assessment has made it a duty to tell executives."),
    ),
    "waives what was told": (
        (*INSIDE_READY, REQUIRED, REQUESTED, started(), communicated()),
        Waive(Audience.EXECUTIVES, "no need"),
        LEAD,
        Refusal("owed", "executives was told already."),
    ),
    "waives twice": (
        (REPORTED, REQUIRED, WAIVED),
        Waive(Audience.EXECUTIVES, "no need"),
        LEAD,
        Refusal("owed", "Telling executives was waived already."),
    ),
}

DRAFTING: Final[dict[str, Case]] = {
    "takes an id that is taken": (
        DRAFTED,
        draft(),
        COMMS,
        Refusal("new_draft", f"Communication {MESSAGE} was drafted before."),
    ),
    "names a channel that is not set up": (
        ESTABLISHED,
        drafting(WHERE, channel="carrier pigeon"),
        COMMS,
        Refusal(
            "known_channel",
            "There is no channel 'carrier pigeon'; the channels are: press mail, staff mail.",
        ),
    ),
    "finds no channel at all": (
        ESTABLISHED,
        drafting(WHERE, channels=frozenset()),
        COMMS,
        Refusal(
            "known_channel", "There is no channel 'staff mail'; the channels are: none is set up."
        ),
    ),
    "cites nothing": (
        ESTABLISHED,
        drafting(),
        COMMS,
        Refusal(
            "rests_on_facts",
            "A statement cites the established facts that it rests on; this one cites none.",
            missing=("facts",),
            who=ESTABLISH,
        ),
    ),
    "cites what was not heard of": (
        ESTABLISHED,
        drafting(WHERE, UNHEARD_OF),
        COMMS,
        Refusal(
            "fact_not_heard",
            f"Fact {UNHEARD_OF} is not known here.",
            missing=(f"fact {UNHEARD_OF}",),
            who=ESTABLISH,
        ),
    ),
    "cites what was corrected": (
        (*ESTABLISHED, CORRECTION),
        draft(),
        COMMS,
        Refusal(
            "fact_corrected",
            f"Fact where ({WHERE}) was corrected by {WHERE_CORRECTED}; "
            "draft anew on the correction.",
            missing=(f"where: {WHERE_CORRECTED} in place of {WHERE}",),
            who=ESTABLISH,
        ),
    ),
    "cites what is unknown": (
        (REPORTED, WHERE_UNKNOWN),
        draft(),
        COMMS,
        Refusal(
            "fact_not_established",
            f'Fact where ({WHERE}) is "unknown": no statement can rest on it.',
            missing=("where",),
            who=ESTABLISH,
        ),
    ),
}

APPROVING: Final[dict[str, Case]] = {
    "approves one's own": (
        DRAFTED,
        Approve(MESSAGE),
        COMMS,
        Refusal(
            "four_eyes",
            "The person who drafted a message does not approve it.",
            missing=("another_person",),
            who=PEERS,
        ),
    ),
    "gives both approvals": (
        (*OUTSIDE_DRAFTED, approved(BOTH)),
        Approve(MESSAGE, ApprovalKind.LEGAL),
        BOTH,
        Refusal(
            "four_eyes",
            "One person gives one approval; you gave yours.",
            missing=("another_person",),
            who=(Role.LEGAL,),
        ),
    ),
    "approves what is approved": (
        INSIDE_READY,
        Approve(MESSAGE),
        COMMS_TOO,
        Refusal("approval_lacking", "The peer approval of this message was given already."),
    ),
    "approves for legal what stays inside and a peer approved": (
        INSIDE_READY,
        Approve(MESSAGE),
        LEGAL_TOO,
        Refusal("approval_lacking", "The peer approval of this message was given already."),
    ),
    "approves for legal what legal approved": (
        OUTSIDE_READY,
        Approve(MESSAGE),
        LEGAL_TOO,
        Refusal("approval_lacking", "The legal approval of this message was given already."),
    ),
    "gives again what only the peer still lacks": (
        (*OUTSIDE_DRAFTED, approved(LEGAL, ApprovalKind.LEGAL)),
        Approve(MESSAGE, ApprovalKind.LEGAL),
        LEGAL_TOO,
        Refusal(
            "approval_lacking",
            "The legal approval of this message was given already.",
            who=PEERS,
        ),
    ),
    "approves for legal what stays inside": (
        DRAFTED,
        Approve(MESSAGE, ApprovalKind.LEGAL),
        LEGAL,
        Refusal(
            "approval_lacking", "The legal approval of this message is not asked for.", who=PEERS
        ),
    ),
    "approves before an assessment": (
        (REPORTED, *ALL_FACTS, drafted(Audience.PRESS)),
        Approve(MESSAGE),
        LEGAL,
        Refusal(
            "facts",
            not_established("assessment"),
            missing=("assessment",),
            who=(Role.RESPONDER, Role.LEAD),
        ),
    ),
    "approves before the facts": (
        (*ESTABLISHED, assessed(), drafted(Audience.PRESS)),
        Approve(MESSAGE),
        LEGAL,
        Refusal(
            "facts",
            not_established("authentic_and_ours", "information_kind", "still_live", "who_can_see"),
            missing=("authentic_and_ours", "information_kind", "still_live", "who_can_see"),
            who=ESTABLISH,
        ),
    ),
    "approves before both": (
        (REPORTED, *ALL_FACTS[:4], drafted(Audience.PRESS)),
        Approve(MESSAGE),
        LEGAL,
        Refusal(
            "facts",
            not_established("assessment", "who_can_see"),
            missing=("assessment", "who_can_see"),
            who=ESTABLISH,
        ),
    ),
}

SENDING: Final[dict[str, Case]] = {
    "requests what nobody approved": (
        DRAFTED,
        RequestSend(MESSAGE),
        COMMS,
        Refusal(
            "approval",
            "A message to executives is not sent without approval by: peer.",
            missing=("peer_approval",),
            who=PEERS,
        ),
    ),
    "requests what lacks both approvals": (
        OUTSIDE_DRAFTED,
        RequestSend(MESSAGE),
        COMMS,
        Refusal(
            "approval",
            "A message to press is not sent without approval by: peer and legal.",
            missing=("peer_approval", "legal_approval"),
            who=(*PEERS, Role.LEGAL),
        ),
    ),
    "requests what lacks legal": (
        (*OUTSIDE_DRAFTED, approved()),
        RequestSend(MESSAGE),
        COMMS,
        Refusal(
            "legal",
            "A message to press is not sent without approval by: legal.",
            missing=("legal_approval",),
            who=(Role.LEGAL,),
        ),
    ),
}

CONDITIONS: Final[dict[str, tuple[Past, str]]] = {
    "draft": ((), "is a draft"),
    "turned down": (
        (CommunicationRejected(communication_id=MESSAGE, reason="too long"),),
        "was rejected; draft a new one",
    ),
    "requested": ((REQUESTED,), "is waiting for the sender"),
    "started": ((REQUESTED, started()), "is being sent, attempt 1"),
    "failed": (
        (
            REQUESTED,
            started(),
            SendFailed(communication_id=MESSAGE, attempt=1, error="no", retry_at=NOW),
        ),
        f"failed at attempt 1 and is tried again at {NOW}",
    ),
    "failed for good": (
        (
            REQUESTED,
            started(),
            SendFailed(communication_id=MESSAGE, attempt=1, error="no", retry_at=None),
        ),
        "failed at attempt 1; a person may request it again",
    ),
    "unknown": (
        (REQUESTED, started(), SendOutcomeUnknown(communication_id=MESSAGE, attempt=1)),
        "may or may not have arrived at attempt 1; a person decides",
    ),
    "told": ((REQUESTED, started(), communicated()), "was delivered"),
}

OUT_OF_TURN: Final[tuple[tuple[Command, Actor, str, str, frozenset[str]], ...]] = (
    (Approve(MESSAGE), COMMS_TOO, "draft_only", "Only a draft is approved;", frozenset({"draft"})),
    (
        Reject(MESSAGE, "no"),
        LEAD,
        "not_sent_yet",
        "It is too late to reject:",
        frozenset({"draft", "requested", "failed", "failed for good"}),
    ),
    (
        RequestSend(MESSAGE),
        LEAD,
        "sent_once",
        "Nothing is sent twice:",
        frozenset({"draft", "failed for good"}),
    ),
    (DELIVERED, LEAD, "outcome_open", "There is no outcome to decide:", frozenset({"unknown"})),
    (START_SEND, SENDER, "due", "There is nothing to send now:", frozenset({"requested"})),
    (
        RecordDelivered(MESSAGE, 2),
        SENDER,
        "attempt_under_way",
        "Attempt 2 is not under way:",
        frozenset(),
    ),
    (
        RecordFailure(MESSAGE, 2, "no"),
        SENDER,
        "attempt_under_way",
        "Attempt 2 is not under way:",
        frozenset(),
    ),
    (
        MarkUnknown(MESSAGE, 2),
        SENDER,
        "attempt_under_way",
        "Attempt 2 is not under way:",
        frozenset(),
    ),
)
"""A command that needs a message in another condition: the command, its person, the rule, the
beginning of the sentence, and the conditions in which it is not refused for this."""

REFUSALS: Final = {**AUTHORITY, **DUTIES, **DRAFTING, **APPROVING, **SENDING}


@pytest.mark.parametrize("scenario", REFUSALS)
def test_each_refusal_says(scenario: str) -> None:
    past, command, person, refusal = REFUSALS[scenario]
    given(domain, *past).when(command, by=person).then_refused(refusal)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize(
    ("command", "person", "rule", "begins", "fits"),
    OUT_OF_TURN,
    ids=lambda part: type(part).__name__,
)
def test_out_of_turn_a_refusal_says_how_the_message_stands(
    condition: str, command: Command, person: Actor, rule: str, begins: str, fits: frozenset[str]
) -> None:
    since, stands = CONDITIONS[condition]
    asked = given(domain, *INSIDE_READY, *since).when(
        command, by=person, at=NOW - timedelta(microseconds=1)
    )
    if condition not in fits:
        asked.then_refused(Refusal(rule, f"{begins} this message {stands}."))


@pytest.mark.parametrize(
    ("past", "texts", "error"),
    [
        (
            INSIDE_READY,
            ("another",),
            "Not sent. The text at hand is not the text that was approved.",
        ),
        (
            (*INSIDE_READY, CORRECTION),
            TEXTS,
            f"Not sent. Fact where ({WHERE}) was corrected by {WHERE_CORRECTED}; "
            "draft anew on the correction.",
        ),
    ],
)
def test_what_changed_since_the_request_is_said_on_record(
    past: Past, texts: tuple[str, ...], error: str
) -> None:
    given(domain, *past, REQUESTED).when(StartSend(MESSAGE, texts), by=SENDER).then(
        SendFailed(communication_id=MESSAGE, attempt=1, error=error, retry_at=None)
    )


def test_a_message_that_nobody_drafted_is_named() -> None:
    with pytest.raises(Missing, match=f"^communication {MESSAGE} is not known here$"):
        given(domain, REPORTED).when(Approve(MESSAGE), by=LEAD).decide()


def test_every_rule_is_in_a_table() -> None:
    named = {refusal.rule for *_, refusal in REFUSALS.values()} | {
        rule for _, _, rule, _, _ in OUT_OF_TURN
    }
    assert rules_in(domain) <= named
