"""The tables of all services: those of the editions that there are, and an edition in which every
table is another one."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any, Final

import pytest

from services.intake import domain as intake
from services.notify import domain as notify
from services.review import domain as review
from services.review.domain.tables import Item
from services.review.report.waiting import ASKED, Asked
from services.triage import domain as triage
from services.triage.domain.severity import Harm, Reach
from services.triage.domain.tables import Tables as OfTriage
from shared.contract.catalogue.review import ReviewTrigger
from shared.contract.editions import Editions
from shared.contract.vocabulary import (
    ActionClass,
    Audience,
    Confidence,
    Determination,
    FactKey,
    GateName,
    Seat,
    ServiceName,
    Severity,
)

EDITIONS: Final[Mapping[ServiceName, Editions[Any]]] = {
    ServiceName.INTAKE: intake.EDITIONS,
    ServiceName.TRIAGE: triage.EDITIONS,
    ServiceName.NOTIFY: notify.EDITIONS,
    ServiceName.REVIEW: review.EDITIONS,
}

ANOTHER_CLASS: Final = {
    ActionClass.PROTECTIVE: ActionClass.CORRECTIVE,
    ActionClass.CORRECTIVE: ActionClass.AGAINST_A_PERSON,
    ActionClass.AGAINST_A_PERSON: ActionClass.PROTECTIVE,
}


def changed(service: ServiceName) -> Any:
    """The newest edition of a service with another table in the place of each."""
    newest = EDITIONS[service].under()
    match service:
        case ServiceName.INTAKE:
            return replace(newest, clocks_differ=-timedelta(minutes=30))
        case ServiceName.TRIAGE:
            return _triage(newest)
        case ServiceName.NOTIFY:
            audiences = list(Audience)
            following = dict(zip(audiences, [*audiences[1:], audiences[0]], strict=True))
            return replace(
                newest,
                duties=tuple(
                    replace(duty, audience=following[duty.audience]) for duty in newest.duties
                ),
                inside=frozenset(Audience) - newest.inside,
                outside_facts=(FactKey.WHO_POSTED,),
                gates_inside=newest.gates_outside,
                gates_outside=(GateName.FACTS, GateName.LEGAL),
                approval_at=dict(
                    zip(newest.approval_at, reversed(newest.approval_at.values()), strict=True)
                ),
                backoff=(timedelta(minutes=1),),
            )
        case ServiceName.REVIEW:
            return replace(
                newest,
                opens={
                    ReviewTrigger.CONFIRMED: (Determination.SUSPECTED,),
                    ReviewTrigger.REQUESTED: (Determination.FALSE_POSITIVE,),
                },
                closure={
                    determination: tuple(Item)
                    if Item.CONTAINED not in items
                    else (Item.PUBLISHER, Item.FINDING)
                    for determination, items in newest.closure.items()
                },
                most_texts=1,
                retention={kind: (days or 90) + 10 for kind, days in newest.retention.items()},
                warnings=(30, 2),
            )


def _triage(newest: OfTriage) -> OfTriage:
    severities = list(Severity)
    milder = dict(zip(severities, [*severities[1:], severities[0]], strict=True))
    return replace(
        newest,
        class_of={kind: ANOTHER_CLASS[was] for kind, was in newest.class_of.items()},
        gates={one: newest.gates[other] for one, other in ANOTHER_CLASS.items()},
        breakable={one: newest.breakable[other] for one, other in ANOTHER_CLASS.items()},
        required_facts={one: newest.required_facts[other] for one, other in ANOTHER_CLASS.items()},
        sufficient=dict.fromkeys(ActionClass, (Confidence.HIGH,)),
        seats_to_confirm=(Seat.LEAD,),
        dismissible=dict.fromkeys(newest.dismissible, (Determination.CONFIRMED,)),
        grading=replace(
            newest.grading,
            rows=tuple(
                replace(row, name=f"{row.name}_2", severity=milder[row.severity])
                for row in newest.grading.rows
            ),
            harm=dict.fromkeys(newest.grading.harm, Harm.SERIOUS),
            who_could_see=dict.fromkeys(newest.grading.who_could_see, Reach.INSIDE),
            how_far_it_got=dict.fromkeys(newest.grading.how_far_it_got, Reach.INSIDE),
        ),
    )


def each_changed(service: ServiceName) -> Iterator[tuple[str, Any]]:
    """Each table by its name, and the newest edition with it alone changed."""
    newest, other = EDITIONS[service].under(), changed(service)
    for name in [one.name for one in fields(newest)]:
        was, will = getattr(newest, name), getattr(other, name)
        if is_dataclass(was) and not isinstance(was, type):
            for inner in [one.name for one in fields(was)]:
                mixed = replace(was, **{inner: getattr(will, inner)})
                yield f"{name}.{inner}", replace(newest, **{name: mixed})
        else:
            yield name, replace(newest, **{name: will})


def asked(tables: OfTriage) -> Asked:
    """What reports have to know of an edition of triage's tables."""
    return {
        one: (tables.required_facts[one], tables.sufficient[one]) for one in tables.required_facts
    }


def put(monkeypatch: pytest.MonkeyPatch, service: ServiceName, edition: int, tables: Any) -> None:
    """The service has these tables as an edition, and reports know of it."""
    monkeypatch.setitem(EDITIONS[service].tables, edition, tables)
    if service is ServiceName.TRIAGE:
        monkeypatch.setitem(ASKED.tables, edition, asked(tables))


def as_text(value: Any) -> str:
    """Tables as a text that is the same in every run."""
    match value:
        case Enum():
            return repr(value.value)
        case Mapping():
            rows = ", ".join(f"{as_text(key)}: {as_text(one)}" for key, one in value.items())
            return f"{{{rows}}}"
        case tuple():
            return f"({', '.join(map(as_text, value))})"
        case frozenset():
            return f"{{{', '.join(sorted(map(as_text, value)))}}}"
        case str() | int() | None | timedelta():
            return repr(value)
    assert is_dataclass(value), f"say here how {value!r} is written"
    return "; ".join(f"{one.name} = {as_text(getattr(value, one.name))}" for one in fields(value))
