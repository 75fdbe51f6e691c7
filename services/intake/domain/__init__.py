"""The rules of intake: a report opens an incident, or adds to one. A reporter who does not know
something leaves it "unknown", and the report is taken all the same.

`tables` has the two figures of these rules, `commands` the one request, `decisions` its one arm,
`state` what is remembered. What a report says is not remembered here, because no rule asks about
it; readers find it in the views."""

from services.intake.domain.commands import Command
from services.intake.domain.decisions import decide, edition_for
from services.intake.domain.gates import gates
from services.intake.domain.offers import next_commands
from services.intake.domain.state import INITIAL, State, evolve
from services.intake.domain.tables import EDITIONS

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
