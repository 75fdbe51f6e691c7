"""Which report there is of an incident, from all that review knows of it: a draft, or what was
published. Pure."""

import functools
from collections.abc import Mapping, Sequence

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
from services.review.report.texts import bare, readable
from shared.contract.catalogue.review import ReportDigest
from shared.contract.decision import Rejected
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event


class SkeletonDiffers(Exception):
    """The same events make another skeleton than the published one, though both are of one format.
    The argument is the published digest."""


def state_of(events: Sequence[Event]) -> State:
    """The fold of events in the order in which review came to know them."""
    return functools.reduce(domain.evolve, events, domain.INITIAL)


def publication(events: Sequence[Event]) -> Publish:
    """The command that publishes the report on these events."""
    return Publish(digest_of(build(bare(events))), covers_of(events))


def left_something_out(error: BaseException) -> bool:
    """Whether publishing was refused because something was said or heard since the report was
    made."""
    return isinstance(error, Rejected) and error.rule == LEAVES_NOTHING_OUT


def rendered(
    events: Sequence[Event], found: Mapping[str, Disclosure], rendering: Rendering
) -> bytes:
    """The report as it stands, with the texts that are at hand. Raises UnknownReportFormat, and
    SkeletonDiffers when this build makes another skeleton than the published one."""
    report, digest = edition(readable(events, found))
    if digest is not None:
        again = digest_of(edition(bare(events))[0])
        if again != digest:
            raise SkeletonDiffers(digest.skeleton_sha256)
    return rendering.render(report)


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
