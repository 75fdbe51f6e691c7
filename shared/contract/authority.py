"""Who may do what, once for the whole product: routes, deciders, refusals, offers and documentation
read this table.

A new role is a member and a row here, and nothing anywhere else. A command that is in no row is a
service's own: no caller can give it."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final


class Role(StrEnum):
    """What a caller may be; carried in the `roles` claim of a token."""

    SOURCE = "source"
    RESPONDER = "responder"
    LEAD = "lead"
    LEGAL = "legal"
    COMMUNICATIONS = "communications"
    IT = "it"
    REVIEWER = "reviewer"
    PRIVACY = "privacy"
    AUDITOR = "auditor"
    ADMIN = "admin"


_READ: Final = frozenset({"read_incident"})
_RESPOND: Final = _READ | {"read_people", "report", "record_fact", "propose_action", "carry_out"}
_SPEAK: Final = frozenset(
    {"draft_communication", "approve", "reject", "request_send", "decide_outcome"}
)
_FORGET: Final = frozenset(
    {"request_erasure", "confirm_erasure", "refuse_erasure", "place_hold", "release_hold"}
)
_REVIEW: Final = frozenset(
    {
        "open_review",
        "record_finding",
        "record_observation",
        "record_lesson",
        "cite_policy_clause",
        "set_next_review",
        "publish",
    }
)

AUTHORITY: Final[Mapping[Role, frozenset[str]]] = {
    Role.SOURCE: frozenset({"report"}),
    Role.RESPONDER: _RESPOND | {"assess", "draft_communication"},
    Role.LEAD: _RESPOND
    | _SPEAK
    | _REVIEW
    | {
        "assess",
        "fill_seat",
        "fill_any_seat",
        "take_lead_seat",
        "authorise_action",
        "break_glass",
        "confirm_break_glass",
        "decide_inaction",
        "dismiss",
        "approve_as_peer",
        "waive",
    },
    Role.LEGAL: _RESPOND
    | _SPEAK
    | _FORGET
    | {
        "forget_as_legal",
        "read_reporter",
        "fill_seat",
        "take_legal_seat",
        "give_legal_view",
        "confirm_break_glass",
        "approve_as_legal",
        "waive",
    },
    Role.COMMUNICATIONS: _RESPOND
    | _SPEAK
    | {"fill_seat", "take_communications_seat", "approve_as_peer"},
    Role.IT: _RESPOND | {"fill_seat", "take_it_seat"},
    Role.REVIEWER: _READ | _REVIEW | {"read_people", "report"},
    Role.PRIVACY: _READ | _FORGET | {"read_people", "report", "forget_as_privacy"},
    Role.AUDITOR: _READ | {"read_log"},
    Role.ADMIN: frozenset(),
}
"""By role: commands, by the name that callers read, and capacities."""


CAPACITIES: Final[Mapping[str, str]] = {
    "read_incident": "Read incidents, their messages and reviews, and what each waits for.",
    "read_people": "Read the names behind the pseudonyms of persons.",
    "read_reporter": "Read who sent a report, where the sender gave a name.",
    "read_log": "Read the chains and the sealed log.",
    "fill_any_seat": "Put anybody into any seat.",
    "take_lead_seat": "Take the lead's seat in person.",
    "take_legal_seat": "Take the legal seat in person.",
    "take_communications_seat": "Take the communications seat in person.",
    "take_it_seat": "Take the IT seat in person.",
    "approve_as_peer": "Approve a message as a peer of its drafter.",
    "approve_as_legal": "Approve a message for legal.",
    "forget_as_privacy": "Speak for privacy where texts are erased or held.",
    "forget_as_legal": "Speak for legal where texts are erased or held.",
}
"""The names in the table that are not commands: what may be read, and in which capacity a command
may be given."""


def command_name(command: type) -> str:
    """The name that callers read for a command: `RecordFact` is `record_fact`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", command.__name__).lower()


def who_may(doing: str | type) -> tuple[Role, ...]:
    """The roles that may give this command, or do this, in the order of `Role`. Raises LookupError
    when nobody may."""
    return _roles(doing if isinstance(doing, str) else command_name(doing))


@cache
def _roles(name: str) -> tuple[Role, ...]:
    roles = tuple(role for role in Role if name in AUTHORITY[role])
    if not roles:
        raise LookupError(f"{name} is in no row of the table of authority")
    return roles
