"""The review service: findings, lessons, and the report that is projected from the log."""

import shared.runtime.process.early  # noqa: F401  before all that reads the environment
from services.review import api, log, sealing
from services.review.erasures import retention
from services.review.rules import RULES
from services.review.settings import ReviewSettings
from shared.contract.vocabulary import ServiceName
from shared.runtime.service import Resources, Service, main

SERVICE = Service(
    name=ServiceName.REVIEW,
    title="Review of the incident ledger",
    router=api.router,
    resources=Resources(ReviewSettings, log.open_log),
    workers=(sealing.sealer, retention.retention),
    shown=log.shown,
    rules=RULES,
)

if __name__ == "__main__":
    main(SERVICE)
