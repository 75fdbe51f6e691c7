"""The topic's order comes back from what the services remember of it, whatever each had heard when
the topic was lost."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.vocabulary import ServiceName
from shared.runtime.repair.ordering import Number, OrdersDisagree, topic_order

INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName


@dataclass(slots=True)
class World:
    """Services that say, relay and hear at random, as the real ones do on one partition."""

    ledgers: dict[ServiceName, list[Number]]
    topic: list[Number]
    relayed: Counter[ServiceName]
    heard: Counter[ServiceName]

    def say(self, service: ServiceName) -> None:
        self.ledgers[service].append(
            (service, 1 + sum(speaker == service for speaker, _ in self.ledgers[service]))
        )

    def relay(self, service: ServiceName) -> None:
        if self.relayed[service] < sum(speaker == service for speaker, _ in self.ledgers[service]):
            self.relayed[service] += 1
            self.topic.append((service, self.relayed[service]))

    def hear(self, service: ServiceName) -> None:
        if self.heard[service] < len(self.topic):
            number = self.topic[self.heard[service]]
            self.heard[service] += 1
            if number[0] != service:
                self.ledgers[service].append(number)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World({service: [] for service in ServiceName}, [], Counter(), Counter())
    acts = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["say", "relay", "hear", "hear"]), st.sampled_from(ServiceName)
            ),
            max_size=120,
        )
    )
    for act, service in acts:
        getattr(world, act)(service)
    return world


def told(
    topic: Sequence[Number], ledgers: Mapping[ServiceName, Sequence[Number]]
) -> Iterator[tuple[Number, Number]]:
    """Pairs of which a third service had come to the first. Where only the speakers heard each
    other, none can tell."""
    for first, second in combinations(topic, 2):
        if any(
            first in rows for owner, rows in ledgers.items() if owner not in {first[0], second[0]}
        ):
            yield first, second


@given(worlds())
def test_what_a_third_service_heard_is_in_the_order_of_the_topic(world: World) -> None:
    place = {number: index for index, number in enumerate(topic_order(world.ledgers))}
    assert all(place[first] < place[second] for first, second in told(world.topic, world.ledgers))


@given(worlds())
def test_every_event_once_in_chain_order_and_never_before_what_its_speaker_had_heard(
    world: World,
) -> None:
    order = list(topic_order(world.ledgers))
    place = {number: index for index, number in enumerate(order)}
    assert len(place) == len(order)
    assert set(order) == {number for rows in world.ledgers.values() for number in rows}
    for owner, rows in world.ledgers.items():
        for service in ServiceName:
            assert [s for who, s in order if who == service] == list(
                range(1, 1 + sum(w == service for w, _ in order))
            )
        for index, number in enumerate(rows):
            if number[0] == owner:
                assert all(place[before] < place[number] for before in rows[:index])


@given(worlds())
def test_what_nobody_heard_comes_last_as_far_as_it_may(world: World) -> None:
    """So that a log sealed over what was heard goes on from its old end."""
    order = list(topic_order(world.ledgers))
    heard = {
        number for owner, rows in world.ledgers.items() for number in rows if number[0] != owner
    }
    count = len([number for number in order if number in heard])
    assert set(order[:count]) == heard


@given(worlds(), st.data())
def test_a_service_that_lost_its_end_or_all_changes_nothing_of_what_others_heard(
    world: World, data: st.DataObject
) -> None:
    loser = data.draw(st.sampled_from(ServiceName))
    kept = data.draw(st.integers(0, len(world.ledgers[loser])))
    left = {**world.ledgers, loser: world.ledgers[loser][:kept]}
    place = {number: index for index, number in enumerate(topic_order(left))}
    assert all(
        place[first] < place[second] for first, second in told(world.topic, left) if second in place
    )


def test_two_memories_that_cannot_both_be_true_are_refused() -> None:
    one, other = (INTAKE, 1), (TRIAGE, 1)
    memories = {INTAKE: [one], TRIAGE: [other], NOTIFY: [one, other], REVIEW: [other, one]}
    with pytest.raises(
        OrdersDisagree, match="different orders of intake number 1, triage number 1"
    ):
        list(topic_order(memories))


def test_what_a_service_heard_late_for_want_of_a_key_is_where_the_others_heard_it() -> None:
    late, other, after = (INTAKE, 1), (TRIAGE, 1), (TRIAGE, 2)
    memories = {
        INTAKE: [late],
        TRIAGE: [other, after],
        NOTIFY: [late, other, after],
        REVIEW: [other, after, late],
    }
    assert list(topic_order(memories, {REVIEW: {late}})) == [late, other, after]


def test_what_was_said_after_something_heard_late_comes_after_it() -> None:
    late, other, answer = (INTAKE, 1), (TRIAGE, 1), (REVIEW, 1)
    memories = {INTAKE: [late], TRIAGE: [other], NOTIFY: [], REVIEW: [other, late, answer]}
    assert list(topic_order(memories, {REVIEW: {late}})).index(answer) == 2
    others: dict[ServiceName, list[Number]] = {
        INTAKE: [late],
        TRIAGE: [],
        NOTIFY: [answer, late],
        REVIEW: [late, answer],
    }
    with pytest.raises(OrdersDisagree):
        list(topic_order(others, {REVIEW: {late}}))
