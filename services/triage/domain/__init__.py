"""The rules of triage: which gates an action waits for, who may open or pass them, how an incident
is assessed, and how it ends without a review.

Read `tables` first: a rule is changed there. `decisions` has one arm per command; its arms stand in
`preparing` (facts, seats), `assessing`, `acting` (actions, legal views, break-glass) and `ending`
(dismissal, deciding not to act). `gates` finds what a gate lacks, `severity` grades a leak, `state`
is the memory of an incident, `offers` names what a caller may do next."""

from services.triage.domain.commands import Command
from services.triage.domain.decisions import decide, edition_for
from services.triage.domain.gates import gates
from services.triage.domain.offers import next_commands, next_on_action
from services.triage.domain.state import INITIAL, State, evolve
from services.triage.domain.tables import EDITIONS

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
    "next_on_action",
]
