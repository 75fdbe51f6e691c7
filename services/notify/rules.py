"""Notify's rules, as the runtime is handed them: what decides, what is remembered, what is shown,
and how the service reacts."""

from typing import Final

from services.notify import domain, reactions, views
from shared.contract.catalogue.triage import Assessed
from shared.runtime.say.rules import Rules

RULES: Final[Rules[domain.Command, domain.State]] = Rules(
    initial=domain.INITIAL,
    decide=domain.decide,
    edition=domain.edition_for,
    evolve=domain.evolve,
    project=views.project,
    view_tables=views.TABLES,
    reacts_to=(Assessed,),
    react=reactions.react,
)
