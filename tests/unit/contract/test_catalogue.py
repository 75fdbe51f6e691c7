"""The catalogue: every type that a service may say is in it, under a name of its own, and only its
service may say it."""

import re
from uuid import UUID

import pytest

from shared.contract.catalogue import (
    BY_TYPE,
    EVENTS,
    MILESTONES,
    not_theirs_to_say,
    short_name,
)
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.system import SystemRecord
from shared.contract.topics import PARTITIONS, system_subject
from shared.contract.vocabulary import ServiceName

INCIDENT = UUID("01960000-0000-7000-8000-000000000001")


def kinds(base: type[EventData]) -> set[type[EventData]]:
    below = {one for one in base.__subclasses__() if one.__module__.startswith("shared.")}
    return below | {kind for one in below for kind in kinds(one)}


def test_every_type_is_in_the_catalogue_once() -> None:
    assert set(EVENTS) == {kind for kind in kinds(EventData) if "TYPE" in vars(kind)}
    assert len(EVENTS) == len(set(EVENTS)) == len(BY_TYPE)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_type_has_a_name_a_version_and_a_service(event: type[EventData]) -> None:
    kind = "ledger" if issubclass(event, SystemRecord) else "incident"
    assert re.fullmatch(kind + r"\.[a-z]+(_[a-z]+)*\.v[1-9]", event.TYPE)
    assert event.SAID_BY is None or event.SAID_BY in ServiceName
    assert BY_TYPE[event.TYPE] is event


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
@pytest.mark.parametrize("service", ServiceName)
def test_a_service_says_only_what_is_its_own(event: type[EventData], service: ServiceName) -> None:
    subject = system_subject(0) if issubclass(event, SystemRecord) else INCIDENT
    why_not = not_theirs_to_say(event.TYPE, service, subject)
    if event.SAID_BY in {service, None}:
        assert why_not is None
    else:
        assert why_not == f"{event.TYPE} is {event.SAID_BY}'s to say, not {service}'s"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_the_record_speaks_of_system_incidents_and_nothing_else_does(
    event: type[EventData],
) -> None:
    service = event.SAID_BY or ServiceName.INTAKE
    of_the_record = issubclass(event, SystemRecord)
    for partition in range(PARTITIONS):
        allowed = not_theirs_to_say(event.TYPE, service, system_subject(partition)) is None
        assert allowed == of_the_record
    assert (not_theirs_to_say(event.TYPE, service, INCIDENT) is None) != of_the_record


def test_what_nobody_here_knows_is_for_others_to_judge() -> None:
    assert not_theirs_to_say("incident.assessed.v9", ServiceName.INTAKE, INCIDENT) is None


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("incident.fact_recorded.v1", "fact_recorded"),
        ("incident.assessed.v12", "assessed"),
        ("com.example.finding", "com.example"),
        ("plain", "plain"),
    ],
)
def test_a_short_name_leaves_out_what_all_have(event_type: str, name: str) -> None:
    assert short_name(event_type) == name


def test_the_milestones_are_types_of_the_catalogue() -> None:
    assert set(MILESTONES) <= {short_name(event.TYPE) for event in EVENTS}
