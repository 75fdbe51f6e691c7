"""What a caller may do next. Intake's decision does not ask for a role, because an anonymous report
has none to show; its routes do, and so does this."""

from services.intake.domain.commands import Report
from services.intake.domain.decisions import decide
from services.intake.domain.state import Open, State
from shared.contract.authority import who_may
from shared.contract.catalogue.intake import ReportChannel
from shared.contract.decision import Actor, accepted


def next_commands(state: State, actor: Actor) -> tuple[str, ...]:
    """The names of the commands that this caller may give next."""
    if not (isinstance(state, Open) and actor.has(*who_may(Report))):
        return ()
    adds = Report(opens=False, channel=ReportChannel.API, exercise=state.exercise)
    return accepted([adds], decide, state, actor)
