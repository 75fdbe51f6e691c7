"""What every event carries beside what was decided."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.contract.catalogue.base import WITHHELD
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.decision import Actor, Context
from shared.contract.disclosure import by_digest, digests, reveal
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, examine
from shared.runtime.say.utterance import say
from tests.unit.runtime.test_receiving import INCIDENT, chain, trust

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
DECIDED = [
    Reported(opens=True, channel=ReportChannel.API),
    Reported(opens=False, channel=ReportChannel.API),
]


def test_time_and_actor_are_the_commands_and_ids_are_new_and_in_order() -> None:
    said = say(INCIDENT, DECIDED, Context(NOW, Actor("maria")), 4)
    assert {one.rules for one in said} == {4}
    assert [one.data for one in said] == DECIDED
    assert {(one.subject_id, one.time, one.actor) for one in said} == {(INCIDENT, NOW, "maria")}
    assert sorted({one.id for one in said}) == [one.id for one in said]


def test_what_one_command_says_belongs_together_and_to_nothing_else() -> None:
    context = Context(NOW, Actor("maria"))
    one, other = say(INCIDENT, DECIDED, context, 1), say(INCIDENT, DECIDED, context, 1)
    assert len({event.correlation_id for event in one}) == 1
    assert one[0].correlation_id != other[0].correlation_id
    assert {event.causation_id for event in (*one, *other)} == {None}
    UUID(one[0].correlation_id)


def test_a_reaction_names_its_cause_and_goes_on_with_its_story() -> None:
    (record,) = chain(ServiceName.INTAKE, 1)
    heard = examine(record, trust())
    assert isinstance(heard, Heard)
    context = Context(NOW, Actor.service(ServiceName.NOTIFY))
    said = say(INCIDENT, DECIDED, context, 1, heard.event)
    assert {(one.causation_id, one.correlation_id) for one in said} == {
        (heard.event.id, heard.event.correlation_id)
    }
    assert {one.actor for one in said} == {"service:notify"}


def test_nothing_decided_is_nothing_said() -> None:
    assert say(INCIDENT, [], Context(NOW, Actor("maria")), 1) == ()


def test_what_people_wrote_stands_beside_what_is_said_and_comes_back_from_there() -> None:
    written = [one.model_copy(update={"description": "A slide."}) for one in DECIDED]
    first, second = say(INCIDENT, written, Context(NOW, Actor("maria")), 1)
    for said, data in zip((first, second), written, strict=True):
        assert said.data.description is WITHHELD
        assert {one.digest for one in said.disclosures} == set(digests(said.data))
        found = by_digest(said.disclosures)
        assert reveal(said.data, found).description == data.description
    assert first.data.sd != second.data.sd, "the same text is not known by its digest"


@pytest.mark.parametrize("service", ServiceName)
def test_a_service_acts_under_its_own_name_and_has_no_role(service: ServiceName) -> None:
    actor = Actor.service(service)
    assert (actor.subject, actor.roles) == (f"service:{service.value}", frozenset())
