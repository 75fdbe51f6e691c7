"""The review service: findings, lessons, and the report that is projected from the log."""

import shared.runtime.process.early  # noqa: F401  before all that reads the environment
from services.review import api, domain, log, reactions, views
from services.review.settings import ReviewSettings
from shared.contract.catalogue.triage import Assessed
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.rules import Rules
from shared.runtime.service import Resources, Service, main

SERVICE = Service(
    name=ServiceName.REVIEW,
    title="Review of the incident ledger",
    router=api.router,
    resources=Resources(ReviewSettings, log.open_log),
    workers=(log.sealer,),
    shown=log.shown,
    rules=Rules(
        initial=domain.INITIAL,
        decide=domain.decide,
        evolve=domain.evolve,
        project=views.project,
        view_tables=views.TABLES,
        reacts_to=(Assessed,),
        react=reactions.react,
    ),
)

if __name__ == "__main__":
    main(SERVICE)
