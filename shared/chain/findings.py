"""What a verification finds: each violation with a stable code, the place, the event and what it
means in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

MEANING: Final[Mapping[str, str]] = {
    "malformed": "the bytes are no envelope: not written by a service of this ledger",
    "untrusted": "not signed with the key in force: forged, or changed after it was signed",
    "wrong_partition": "stands where its incident does not belong",
    "not_theirs_to_say": "a service said what only another may say",
    "kind_differs": "is said of a subject of another kind, as its first event tells",
    "equivocation": "two different events claim one number of a chain",
    "broken_link": (
        "does not name the hash of the event before it: something was changed, inserted or "
        "taken out"
    ),
    "gap": "a number of a chain is missing: an event was taken out or lost",
    "row_changed": "a row of the ledger does not agree with the envelope that it holds",
    "row_missing": "the database has fewer events than it had: a row was deleted",
    "not_on_topic": "the relay says it was sent, and the topic does not have it",
    "not_in_ledger": "the topic has it, the service that should have said it does not",
    "differs_from_topic": "the database and the topic hold different bytes at one number",
    "version_gap": "the versions of an incident are not 1, 2, 3, …",
    "subject_link": "does not name the hash of the service's previous event of the incident",
    "repeated_id": "two events have one id",
    "waiting_parked": "a message is parked and waits for a person: see `ledger parked`",
    "checkpoint_rejected": (
        "the log's head is not signed by the key that you trust, or is no checkpoint: nothing "
        "below it counts"
    ),
    "not_witnessed": (
        "too few of the witnesses that the policy asks for have seen this head: others may be "
        "shown another"
    ),
    "bundle_missing": "events that the checkpoint commits to are not there, or cannot be read",
    "tile_missing": "a file of hashes that the checkpoint commits to is not there",
    "signatures_missing": (
        "the signatures of some events are not there, or are too few: who said them cannot be shown"
    ),
    "entry_differs": "the event's bytes are not those that were sealed: it was changed afterwards",
    "tile_differs": (
        "a file of hashes does not follow from the events below it: proofs made from it would "
        "be false"
    ),
    "root_differs": (
        "the events are not those that the checkpoint commits to: some were changed, dropped, "
        "added or moved"
    ),
    "seal_order": "the log has the events of a partition in another order than the topic",
    "statement_missing": (
        "the service's own word is not there, the others' are: it cannot be shown that all it "
        "said was sealed"
    ),
    "statement_rejected": (
        "the service's own word is not signed with its key in force, or is no statement"
    ),
    "statement_differs": (
        "the service signed another event at this number than the one that was sealed: one of "
        "the two was made up"
    ),
    "statement_false": (
        "the service's own word on the incident says another number of events, or another last "
        "one, than the log has"
    ),
    "log_went_back": (
        "the log is smaller than what was seen of it before: it was restored from an old copy, "
        "or you are shown one"
    ),
    "log_forked": "the log does not continue the one that was seen before: two histories are told",
    "cause_missing": (
        "names as its cause an event that the log does not have before it: a cause comes "
        "before its effect"
    ),
    "unfit": (
        "what the event says does not fit the schema of its type: nobody could have understood it"
    ),
    "against_the_rules": (
        "at no moment of what the service could know did its rules allow it to say this"
    ),
    "edition_unknown": (
        "it was decided under an edition of the rules that is newer than this reader: verify it "
        "with a newer release"
    ),
    "report_differs": (
        "the events give another report than the one whose digest is on the log: it was "
        "changed, or another release made it"
    ),
    "report_format_unknown": (
        "the report was published in a format that is newer than this reader: verify it with a "
        "newer release"
    ),
    "not_the_incidents": "the dossier shows something that is not of its incident",
    "proof_rejected": "it is not shown that the event is in the log at this place",
    "file_missing": "the dossier lacks a part without which it cannot be checked whole",
    "file_unexpected": "the dossier holds something that is no part of it: nobody vouches for it",
    "file_differs": "a page or report of the dossier is not the one that its events give",
    "disclosure_malformed": "what stands among the texts is none: no reader takes it for one",
    "disclosure_unfounded": (
        "the digest of this text stands in no event that it is shown for: nobody said it"
    ),
    "disclosure_erased": "the record says that this text was erased, and it is shown all the same",
    "archive_damaged": "the file is no sound zip archive",
}
"""Every code that there is; one is never given another meaning."""


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    where: str
    detail: str
    event_id: UUID | None = None

    @property
    def meaning(self) -> str:
        return MEANING[self.code]
