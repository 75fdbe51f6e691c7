"""The notify service: who must be told, what they are told, and that they were."""

import shared.runtime.process.early  # noqa: F401  before all that reads the environment
from services.notify import api, sender
from services.notify.rules import RULES
from services.notify.settings import NotifySettings, open_channels
from shared.contract.vocabulary import ServiceName
from shared.runtime.service import Resources, Service, main

SERVICE = Service(
    name=ServiceName.NOTIFY,
    title="Communications of the incident ledger",
    router=api.router,
    rules=RULES,
    resources=Resources(NotifySettings, open_channels),
    workers=(sender.send_what_is_due,),
)

if __name__ == "__main__":
    main(SERVICE)
