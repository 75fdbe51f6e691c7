"""Review's rules over a history, and the published report, made again from the events that it
covers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from services.review import domain
from services.review.domain import commands
from services.review.erasures.audit import erasures
from services.review.report import (
    RENDERINGS,
    Form,
    Making,
    UnknownReportFormat,
    digest_of,
    published,
    read_with,
    render_json,
    skeleton_of,
)
from shared.audit.decisions import (
    Domain,
    Violation,
    fold,
    gates_as_json,
    made_again,
    recorded_by,
    violations,
)
from shared.contract.catalogue import review
from shared.contract.catalogue.base import EventData
from shared.contract.disclosure import Disclosure
from shared.contract.editions import UnknownEdition
from shared.contract.envelope import Event
from shared.contract.topics import INCIDENT, kind_of
from shared.contract.vocabulary import ServiceName

REPORT_DIFFERS: Final = "report_differs"
REPORT_FORMAT_UNKNOWN: Final = "report_format_unknown"

ENDINGS: Final = {Form.HTML: "html", Form.JSON: "json", Form.MARKDOWN: "md"}
"""Of a file's name, by the form that it holds."""

SKELETON: Final = "report.skeleton.json"
"""The file whose SHA-256 is on the log."""

NOTHING_AT_HAND: Final[Mapping[str, Disclosure]] = {}

DOMAIN: Final = Domain(domain.INITIAL, domain.decide, domain.evolve, domain.EDITIONS)


def audit(events: Sequence[Event]) -> Iterable[Violation]:
    """`events` are of one incident, in the order of the log."""
    yield from violations(ServiceName.REVIEW, DOMAIN, commands_for, events)
    yield from erasures(events)
    for event in events:
        if isinstance(event.data, review.Reviewed) and kind_of(events[0].type) == INCIDENT:
            yield from _report(event, event.data, events)


def reports(
    events: Sequence[Event], found: Mapping[str, Disclosure] = NOTHING_AT_HAND
) -> Mapping[str, bytes]:
    """The skeleton of the published report, and the edition in each form with the texts that are
    at hand, by the file's name; nothing when none is published. Raises UnknownReportFormat and
    UnknownEdition."""
    reviewed = next(
        (event.data for event in events if isinstance(event.data, review.Reviewed)), None
    )
    if reviewed is None:
        return {}
    make = _making(reviewed)
    report = read_with(make, events, found)
    return {
        SKELETON: render_json(skeleton_of(make, events)),
        **{f"report.{ending}": RENDERINGS[form].render(report) for form, ending in ENDINGS.items()},
    }


def _making(reviewed: review.Reviewed) -> Making:
    return lambda events: published(events, reviewed.report, reviewed.covers)


def known(events: Sequence[Event], *, newest: bool = False) -> Mapping[str, Any]:  # noqa: ARG001
    """What review knows of the incident once it has said and heard all this. Its gates are
    those of the edition that the review was opened under, whatever the newest is."""
    incident = fold(DOMAIN, events)
    return {
        "status": type(incident.review).__name__.lower(),
        "determination": incident.determination,
        "contained": incident.contained,
        "owed": list(incident.owed),
        "gates": gates_as_json(lambda: domain.gates(incident)),
    }


def kind_of_texts(event: type[EventData]) -> review.TextKind | None:
    """The kind of an event's texts, as the table of retention has it."""
    return domain.KIND_OF.get(event)


def commands_for(data: EventData) -> Sequence[Any]:
    match data:
        case review.ErasureRequested():
            return (made_again(commands.RequestErasure, data, side=data.asked_as),)
        case review.HoldPlaced():
            return (made_again(commands.PlaceHold, data, side=data.placed_as),)
        case review.ContentErased(ground=review.ErasureGround.RETENTION_ENDED):
            return (made_again(commands.EndRetention, data),)
    return recorded_by(data, get_args(domain.Command))


def _report(
    event: Event, reviewed: review.Reviewed, events: Sequence[Event]
) -> Iterable[Violation]:
    try:
        again = digest_of(skeleton_of(_making(reviewed), events))
    except UnknownReportFormat as error:
        yield Violation(event, REPORT_FORMAT_UNKNOWN, str(error))
        return
    except UnknownEdition as error:
        yield Violation(event, error.rule, error.detail)
        return
    said, is_ = reviewed.report.skeleton_sha256, again.skeleton_sha256
    if said != is_:
        detail = (
            f"the skeleton of these events' report has the SHA-256 {is_[:16]}…, on the log stands "
            f"{said[:16]}…"
        )
        yield Violation(event, REPORT_DIFFERS, detail)
