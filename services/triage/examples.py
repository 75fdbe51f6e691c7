"""The incident that OpenAPI shows as triage's example."""

from typing import Any, Final

_INCIDENT: Final = "01960000-0000-7000-8000-000000000001"
_ACTION: Final = "01960000-0000-7000-8000-0000000000a1"
_GLASS: Final = "01960000-0000-7000-8000-0000000000b1"

ROW: Final[dict[str, Any]] = {
    "incident_id": _INCIDENT,
    "exercise": False,
    "stage": "assessed",
    "opened_at": "2026-03-02T09:00:00.118204Z",
    "platform": "mastodon",
    "determination": "suspected",
    "severity": "high",
    "reports": 1,
    "break_glass_owed": 1,
    "assessment": {
        "revision": 1,
        "determination": "suspected",
        "information_types": ["proprietary"],
        "exposure": {
            "platform": "mastodon",
            "visibility": "public",
            "audience_tier": "D",
            "still_live": "yes",
        },
        "severity": "high",
        "severity_rule": "serious_and_public",
        "facts_known": ["where"],
        "facts_missing": ["authentic_and_ours", "information_kind", "still_live", "who_can_see"],
        "legal_views": [],
    },
    "inaction": None,
    "dismissal": None,
}


_GATES: Final[list[Any]] = [
    {
        "gate": "facts",
        "subject": _ACTION,
        "open": False,
        "missing": ["authentic_and_ours", "information_kind", "still_live", "who_can_see"],
        "who_can_supply": ["responder", "lead", "legal", "communications", "it"],
        "passed_by_break_glass": False,
    },
    {
        "gate": "legal",
        "subject": _ACTION,
        "open": True,
        "missing": ["legal_view"],
        "who_can_supply": ["legal"],
        "passed_by_break_glass": True,
    },
    {
        "gate": "authorisation",
        "subject": _ACTION,
        "open": False,
        "missing": ["authorisation"],
        "who_can_supply": ["lead"],
        "passed_by_break_glass": False,
    },
]


INCIDENT: Final[dict[str, Any]] = {
    **ROW,
    "version": 9,
    "facts": [
        {
            "fact_id": "01960000-0000-7000-8000-0000000000d1",
            "key": "where",
            "known": True,
            "value": "https://social.example/@x/1",
            "confidence": "high",
            "source": "opened the post in a private window",
            "observed_at": "2026-03-02T09:10:00Z",
            "corrects": None,
            "recorded_at": "2026-03-02T09:11:30.004112Z",
            "recorded_by": "rashid",
            "corrected_by": None,
        }
    ],
    "seats": {"legal": "nora"},
    "actions": [
        {
            "action_id": _ACTION,
            "kind": "platform_report",
            "action_class": "corrective",
            "target": "https://social.example/@x/1",
            "reason": None,
            "proposed_at": "2026-03-02T09:12:00.530017Z",
            "proposed_by": "rashid",
            "legal": None,
            "legal_by": None,
            "authorised_by": [],
            "outcome": None,
            "outcome_by": None,
            "gates": _GATES,
            "next_commands": ["give_legal_view"],
        }
    ],
    "break_glass": [
        {
            "break_glass_id": _GLASS,
            "gate": "legal",
            "action_id": _ACTION,
            "reason": "forks multiply by the minute",
            "missing": ["legal_view"],
            "used_at": "2026-03-02T09:20:00.770140Z",
            "used_by": "lea",
            "owed": True,
            "word": None,
            "word_by": None,
        }
    ],
    "gates": [
        {
            "gate": "seats",
            "subject": "assessment",
            "open": False,
            "missing": ["communications", "it"],
            "who_can_supply": ["lead", "communications", "it"],
            "passed_by_break_glass": False,
        },
        *_GATES,
    ],
    "missing": [
        "communications",
        "it",
        "authentic_and_ours",
        "information_kind",
        "still_live",
        "who_can_see",
        "authorisation",
    ],
    "next_commands": ["record_fact", "fill_seat", "propose_action", "give_legal_view"],
}
