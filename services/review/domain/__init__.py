"""The rules of review: when a review opens, what a finding must say, and what publishing its report
waits for.

Start with `tables`: a rule is changed there. `commands` are the requests, `state` is the memory of
an incident, `gates` looks for what publishing still lacks, `decisions` has one arm per decision,
`offers` names what a caller may do next."""

from services.review.domain.commands import Command, EndRetention, Publish, WarnOfRetention
from services.review.domain.decisions import decide, edition_for
from services.review.domain.erasing import erased_from, next_look
from services.review.domain.gates import gates
from services.review.domain.offers import next_commands
from services.review.domain.state import INITIAL, NotOpened, Published, State, evolve
from services.review.domain.tables import EDITIONS, KIND_OF, LEAVES_NOTHING_OUT

__all__ = [
    "EDITIONS",
    "INITIAL",
    "KIND_OF",
    "LEAVES_NOTHING_OUT",
    "Command",
    "EndRetention",
    "NotOpened",
    "Publish",
    "Published",
    "State",
    "WarnOfRetention",
    "decide",
    "edition_for",
    "erased_from",
    "evolve",
    "gates",
    "next_commands",
    "next_look",
]
