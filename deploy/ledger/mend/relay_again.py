"""`ledger relay-again`: a topic that lost some of its end gets it again."""

from deploy.ledger.mend.parked import run_service
from deploy.ledger.options import DataOption
from shared.contract.vocabulary import ServiceName


def relay_again(service: ServiceName, data: DataOption = None) -> None:
    """Put all that a service said on the topic again, after the broker lost messages that it had
    acknowledged; nobody hears twice.

    For when `ledger verify` finds `not_on_topic`. Do it for each service: each also hears the whole
    topic again, and the log reads it again, since what stands there now may be at places that they
    had passed. They may go on running, and are behind meanwhile."""
    run_service(data, service, "--relay-again")
