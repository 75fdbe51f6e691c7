"""Which report there is of an incident, from all that review knows of it: a draft, or what was
published. Pure."""

import functools
from collections.abc import Sequence

from services.review import domain
from services.review.domain.commands import Publish
from services.review.domain.state import NotOpened, Published, State
from services.review.report import Gap, Report, Unpublished, build, covers_of, digest_of, published
from shared.contract.catalogue.review import ReportDigest
from shared.contract.envelope import Event


def state_of(events: Sequence[Event]) -> State:
    """The fold of events in the order in which review came to know them."""
    return functools.reduce(domain.evolve, events, domain.INITIAL)


def publication(events: Sequence[Event]) -> Publish:
    """The command that publishes the report on these events."""
    return Publish(digest_of(build(events)), covers_of(events))


def edition(events: Sequence[Event]) -> tuple[Report, ReportDigest | None]:
    """The report as it stands: the published one with the digest that is on the log, or a draft
    with what it still waits for. Raises UnknownReportFormat."""
    state = state_of(events)
    if isinstance(state.review, Published):
        return published(events, state.review.report, state.review.covers), state.review.report
    gaps = tuple(
        Gap(gate.subject, gate.missing, gate.who) for gate in domain.gates(state) if not gate.open
    )
    return build(events, Unpublished(not isinstance(state.review, NotOpened), gaps)), None
