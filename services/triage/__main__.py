"""The triage service: what is known, how bad it is, what may be done and on whose authority."""

import shared.runtime.process.early  # noqa: F401  before all that reads the environment
from services.triage import api, domain
from services.triage.rules import RULES
from shared.contract.vocabulary import ServiceName
from shared.runtime.service import Service, main

SERVICE: Service[domain.Command, domain.State, None] = Service(
    name=ServiceName.TRIAGE,
    title="Triage of the incident ledger",
    router=api.router,
    rules=RULES,
)

if __name__ == "__main__":
    main(SERVICE)
