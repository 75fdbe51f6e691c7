"""What review does on its own: an incident that is assessed as confirmed is reviewed."""

from services.review.domain.commands import Command, OpenReview
from services.review.domain.state import NotOpened, State
from shared.contract.catalogue.review import ReviewTrigger
from shared.contract.catalogue.triage import Assessed
from shared.contract.envelope import Event
from shared.contract.vocabulary import Determination


def react(event: Event, state: State) -> list[Command]:
    match event.data, state.review:
        case Assessed(determination=Determination.CONFIRMED), NotOpened():
            return [OpenReview(ReviewTrigger.CONFIRMED)]
    return []
