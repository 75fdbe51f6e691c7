"""Six real incidents, told through the services' HTTP interfaces.

What happened is from the press, see incidents.json; how it is handled here is made up to show the
rules at work."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from deploy.ledger.run.demo.messages import false_positive, near_miss, wrong_approver
from deploy.ledger.run.demo.takedowns import break_glass, knee_jerk, legal_says_no
from deploy.ledger.run.demo.telling import Telling


@dataclass(frozen=True, slots=True)
class Story:
    """One incident of the press, and what the demo shows with it."""

    incident: str
    shows: str
    play: Callable[[Telling], Awaitable[None]]
    reviewed: bool = True


STORIES: Final = (
    Story(
        "vcdb-issue-6174",
        "a knee-jerk takedown, refused for missing facts and allowed once they are in",
        knee_jerk,
    ),
    Story(
        "vcdb-issue-7925",
        "a refusal by legal, and the way round it that legal cleared",
        legal_says_no,
    ),
    Story(
        "vcdb-issue-14192", "a break-glass, and the second person's word that it owes", break_glass
    ),
    Story(
        "vcdb-issue-8413",
        "a message that rests on nothing, and one approved by the wrong person",
        wrong_approver,
    ),
    Story("vcdb-issue-14831", "a near miss, reviewed all the same", near_miss),
    Story(
        "vcdb-issue-14979",
        "a false positive, dismissed with its reason",
        false_positive,
        reviewed=False,
    ),
)
