"""The rules of review: when a review opens, what a finding must say, and what publishing its report
waits for.

Start with `tables`: a rule is changed there. `commands` are the requests, `state` is the memory of
an incident, `gates` looks for what publishing still lacks, `decisions` has one arm per decision,
`offers` names what a caller may do next."""

from services.review.domain.commands import Command
from services.review.domain.decisions import decide, edition_for
from services.review.domain.gates import gates
from services.review.domain.offers import next_commands
from services.review.domain.state import INITIAL, State, evolve
from services.review.domain.tables import EDITIONS

__all__ = [
    "EDITIONS",
    "INITIAL",
    "Command",
    "State",
    "decide",
    "edition_for",
    "evolve",
    "gates",
    "next_commands",
]
