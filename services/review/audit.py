"""Review's rules over a history, and the published report, made again from the events that it
covers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from services.review import domain
from services.review.report import (
    RENDERINGS,
    Form,
    UnknownReportFormat,
    digest_of,
    published,
)
from shared.audit.decisions import Domain, Violation, fold, recorded_by, violations
from shared.contract.catalogue import review
from shared.contract.catalogue.base import EventData
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

REPORT_DIFFERS: Final = "report_differs"
REPORT_FORMAT_UNKNOWN: Final = "report_format_unknown"

ENDINGS: Final = {Form.HTML: "html", Form.JSON: "json", Form.MARKDOWN: "md"}
"""Of a file's name, by the form that it holds."""

DOMAIN: Final = Domain(domain.INITIAL, domain.decide, domain.evolve)


def audit(events: Sequence[Event]) -> Iterable[Violation]:
    """`events` are of one incident, in the order of the log."""
    yield from violations(ServiceName.REVIEW, DOMAIN, commands_for, events)
    for event in events:
        if isinstance(event.data, review.Reviewed):
            yield from _report(event, event.data, events)


def reports(events: Sequence[Event]) -> Mapping[str, bytes]:
    """The published report in each form, by the file's name; nothing when none is published. Raises
    UnknownReportFormat."""
    reviewed = next(
        (event.data for event in events if isinstance(event.data, review.Reviewed)), None
    )
    if reviewed is None:
        return {}
    report = published(events, reviewed.report, reviewed.covers)
    return {f"report.{ending}": RENDERINGS[form].render(report) for form, ending in ENDINGS.items()}


def known(events: Sequence[Event]) -> Mapping[str, Any]:
    """What review knows of the incident once it has said and heard all this."""
    incident = fold(DOMAIN, events)
    return {
        "status": type(incident.review).__name__.lower(),
        "determination": incident.determination,
        "contained": incident.contained,
        "owed": list(incident.owed),
        "gates": [gate.as_json() for gate in domain.gates(incident)],
    }


def commands_for(data: EventData) -> Sequence[Any]:
    return recorded_by(data, get_args(domain.Command))


def _report(
    event: Event, reviewed: review.Reviewed, events: Sequence[Event]
) -> Iterable[Violation]:
    try:
        again = digest_of(published(events, reviewed.report, reviewed.covers))
    except UnknownReportFormat as error:
        yield Violation(event, REPORT_FORMAT_UNKNOWN, str(error))
        return
    for form, rendering in RENDERINGS.items():
        said, is_ = rendering.digest(reviewed.report), rendering.digest(again)
        if said != is_:
            detail = (
                f"the {form} of these events has the SHA-256 {is_[:16]}…, on the log stands "
                f"{said[:16]}…"
            )
            yield Violation(event, REPORT_DIFFERS, detail)
