"""Which report there is of an incident, from all that review knows of it: a draft, or what was
published; as its skeleton, or as an edition with the texts that are at hand. Pure."""

import functools
from collections.abc import Mapping, Sequence

from services.review import domain
from services.review.domain import LEAVES_NOTHING_OUT, NotOpened, Publish, Published, State
from services.review.report import (
    Gap,
    Making,
    Report,
    Unpublished,
    build,
    covers_of,
    digest_of,
    published,
    read_with,
    render_json,
    skeleton_of,
)
from services.review.report.persons import NOBODY, Names
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
    return Publish(digest_of(skeleton_of(build, events)), covers_of(events))


def left_something_out(error: BaseException) -> bool:
    """Whether publishing was refused because something was said or heard since the report was
    made."""
    return isinstance(error, Rejected) and error.rule == LEAVES_NOTHING_OUT


def edition(
    events: Sequence[Event], found: Mapping[str, Disclosure], names: Names = NOBODY
) -> Report:
    """The report as it stands, with the texts and names that are at hand. Raises
    UnknownReportFormat, and SkeletonDiffers when this build makes another skeleton than the
    published one."""
    make, digest = _making(events)
    report = read_with(make, events, found, names)
    if digest and report.edition and report.edition.skeleton_sha256 != digest.skeleton_sha256:
        raise SkeletonDiffers(digest.skeleton_sha256)
    return report


def skeleton(events: Sequence[Event]) -> bytes:
    """The bytes whose SHA-256 is on the log, or of a draft those that would be published now.
    Raises UnknownReportFormat and SkeletonDiffers."""
    make, digest = _making(events)
    bones = skeleton_of(make, events)
    if digest is not None and digest_of(bones) != digest:
        raise SkeletonDiffers(digest.skeleton_sha256)
    return render_json(bones)


def _making(events: Sequence[Event]) -> tuple[Making, ReportDigest | None]:
    """How the report is made from its events: the published one with the digest that is on the log,
    or a draft with what it still waits for."""
    state = state_of(events)
    if isinstance(state.review, Published):
        digest, covers = state.review.report, state.review.covers
        return lambda known: published(known, digest, covers), digest
    gaps = tuple(
        Gap(gate.subject, gate.missing, gate.who) for gate in domain.gates(state) if not gate.open
    )
    draft = Unpublished(not isinstance(state.review, NotOpened), gaps)
    return lambda known: build(known, draft), None
