"""Where events travel, and the incidents that are none."""

from datetime import timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from shared.contract.catalogue import EVENTS, not_theirs_to_say
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.system import KeyRotated, SystemRecord
from shared.contract.topics import (
    DISCLOSURES_CONFIG,
    NUDGE_EVERY,
    PARTITIONS,
    is_system,
    partition_of,
    system_subject,
)
from shared.contract.vocabulary import ServiceName

INCIDENT = UUID("01960000-0000-7000-8000-000000000001")


@pytest.mark.parametrize("partition", range(PARTITIONS))
def test_each_partition_has_the_first_system_incident_that_belongs_there(partition: int) -> None:
    derived = (
        uuid5(NAMESPACE_URL, f"https://incident-ledger.example/system/{number}")
        for number in range(1000)
    )
    assert system_subject(partition) == next(
        one for one in derived if partition_of(one) == partition
    )
    assert is_system(system_subject(partition))


def test_an_incident_is_no_system_incident() -> None:
    assert not is_system(INCIDENT)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
def test_each_type_is_said_by_whom_and_of_what_the_catalogue_says(event: type[EventData]) -> None:
    for service in ServiceName:
        for subject in (INCIDENT, system_subject(0)):
            theirs = event.SAID_BY in {service, None} and is_system(subject) == issubclass(
                event, SystemRecord
            )
            assert (not_theirs_to_say(event.TYPE, service, subject) is None) == theirs


def test_the_refusal_names_whose_it_is_and_a_new_type_is_anybodys() -> None:
    assert not_theirs_to_say(Reported.TYPE, ServiceName.TRIAGE, INCIDENT) == (
        "incident.reported.v1 is intake's to say, not triage's"
    )
    assert not_theirs_to_say(KeyRotated.TYPE, ServiceName.TRIAGE, INCIDENT) == (
        "ledger.key_rotated.v1 is said of the record itself and no other subject"
    )
    assert not_theirs_to_say(Reported.TYPE, ServiceName.INTAKE, system_subject(1)) == (
        "incident.reported.v1 is not said of the record itself"
    )
    assert not_theirs_to_say("incident.new.v9", ServiceName.TRIAGE, INCIDENT) is None


def test_what_replaces_a_text_replaces_it_on_the_broker_s_disk_within_a_day() -> None:
    """By Kafka's rules: a closed segment is cleaned once its first message is as old as the lag
    allows; one is closed by the first message that comes after its time. Then the cleaner looks,
    and the old file is kept for a minute."""
    hour, minute = 3_600_000, 60_000
    config = DISCLOSURES_CONFIG
    closed = int(config["segment.ms"]) + NUDGE_EVERY // timedelta(milliseconds=1)
    cleaned = max(closed, int(config["max.compaction.lag.ms"])) + minute
    assert cleaned + minute < 24 * hour
    assert closed < int(config["max.compaction.lag.ms"]), "else the lag could not be kept"
    assert config["cleanup.policy"] == "compact", "and nothing is deleted for its age"
    assert "min.compaction.lag.ms" not in config, "which is 0"
    assert int(config["delete.retention.ms"]) >= 24 * hour, "who was away learns of it"
