"""Which report there is of an incident, from all that review knows of it: a draft, or what was
published. Pure."""

import functools
from collections.abc import Sequence

from services.review import domain
from services.review.domain.commands import Publish
from services.review.domain.state import NotOpened, Published, State
from services.review.domain.tables import LEAVES_NOTHING_OUT
from services.review.report import (
    Gap,
    Rendering,
    Report,
    Unpublished,
    build,
    covers_of,
    digest_of,
    published,
)
from shared.contract.catalogue.review import ReportDigest
from shared.contract.decision import Rejected
from shared.contract.envelope import Event


def state_of(events: Sequence[Event]) -> State:
    """The fold of events in the order in which review came to know them."""
    return functools.reduce(domain.evolve, events, domain.INITIAL)


def publication(events: Sequence[Event]) -> Publish:
    """The command that publishes the report on these events."""
    return Publish(digest_of(build(events)), covers_of(events))


def left_something_out(error: BaseException) -> bool:
    """Whether publishing was refused because something was said or heard since the report was
    made."""
    return isinstance(error, Rejected) and error.rule == LEAVES_NOTHING_OUT


def rendered(events: Sequence[Event], rendering: Rendering) -> tuple[bytes, str | None]:
    """The bytes of the report as it stands, and the digest that the log has of them when they are
    published. Raises UnknownReportFormat."""
    report, digest = edition(events)
    return rendering.render(report), rendering.digest(digest) if digest else None


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
