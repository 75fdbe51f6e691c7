"""Intake's rules, as the runtime is handed them: what decides, what is remembered,
what is shown."""

from typing import Final

from services.intake import domain, views
from shared.runtime.say.rules import Rules

RULES: Final[Rules[domain.Command, domain.State]] = Rules(
    initial=domain.INITIAL,
    decide=domain.decide,
    edition=domain.edition_for,
    evolve=domain.evolve,
    project=views.project,
    view_tables=views.TABLES,
)
