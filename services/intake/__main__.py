"""The intake service: takes reports, gives receipts, keeps who told us to itself."""

import shared.runtime.process.early  # noqa: F401  before all that reads the environment
from services.intake import api, domain
from services.intake.forgetting import forget_keys
from services.intake.rules import RULES
from services.intake.settings import IntakeSettings, Secrets, open_secrets
from shared.contract.vocabulary import ServiceName
from shared.runtime.service import Resources, Service, main

SERVICE: Service[domain.Command, domain.State, Secrets] = Service(
    name=ServiceName.INTAKE,
    title="Intake of the incident ledger",
    router=api.router,
    rules=RULES,
    resources=Resources(IntakeSettings, open_secrets),
    workers=(forget_keys,),
)

if __name__ == "__main__":
    main(SERVICE)
