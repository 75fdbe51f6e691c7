"""The services' own rules, by which a history is audited."""

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from services.intake import audit as intake
from services.notify import audit as notify
from services.review import audit as review
from services.triage import audit as triage
from shared.audit.dossier.parts import Reports
from shared.audit.subjects import Rules
from shared.contract.catalogue import (
    EventData,
    TextKind,
)
from shared.contract.vocabulary import ServiceName

_AUDITS: Final[Mapping[ServiceName, ModuleType]] = {
    ServiceName.INTAKE: intake,
    ServiceName.TRIAGE: triage,
    ServiceName.NOTIFY: notify,
    ServiceName.REVIEW: review,
}


def audit_of(service: ServiceName) -> ModuleType:
    """The service's `audit` module."""
    return _AUDITS[service]


def rules() -> dict[ServiceName, Rules]:
    return {service: audit.audit for service, audit in _AUDITS.items()}


def kind_of(event: type[EventData]) -> TextKind | None:
    """The kind of an event's texts, as the table of retention has it."""
    return review.kind_of_texts(event)


def reports() -> Reports:
    """How the published report of an incident follows from its events, in every form."""
    return review.reports
