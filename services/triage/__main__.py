"""The triage service: what is known, how bad it is, what may be done and on whose authority."""

import shared.runtime.process.early  # noqa: F401  before all that reads the environment
from services.triage import api, domain, views
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.rules import Rules
from shared.runtime.service import Service, main

SERVICE: Service[domain.Command, domain.State, None] = Service(
    name=ServiceName.TRIAGE,
    title="Triage of the incident ledger",
    router=api.router,
    rules=Rules(
        initial=domain.INITIAL,
        decide=domain.decide,
        evolve=domain.evolve,
        project=views.project,
        view_tables=views.TABLES,
    ),
)

if __name__ == "__main__":
    main(SERVICE)
