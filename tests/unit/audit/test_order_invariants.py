"""For every order in which a topic may be sealed: what came out of turn is found, what has not come
yet is found only where something later came, and all else is left alone."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.order import OrderCheck
from shared.audit.tree import Leaves
from shared.contract.envelope import Event
from tests.examples import examples
from tests.unit.audit.world import Ledger, incident_number, report


def said(count: int) -> list[Event]:
    ledger = Ledger()
    return [report(ledger, incident_number(number)) for number in range(count)]


EVENTS: Final = said(24)
TOPIC: Final[dict[int, list[Event]]] = {}
for one in EVENTS:
    TOPIC.setdefault(one.link.partition, []).append(one)
PLACES: Final = {
    event.hash: (partition, at)
    for partition, events in TOPIC.items()
    for at, event in enumerate(events)
}


def found(sealed: list[Event], bundles: int = 1) -> list[str]:
    check = OrderCheck({number: [event.hash for event in of] for number, of in TOPIC.items()})
    size = max(1, len(sealed) // bundles)
    for first in range(0, len(sealed), size):
        part = sealed[first : first + size]
        check.take(Leaves(first, [one.envelope for one in part], [one.hash for one in part], b""))
    check.finish()
    assert {finding.code for finding in check.findings} <= {"seal_order"}
    return sorted(finding.where for finding in check.findings)


def expected(sealed: list[Event]) -> list[str]:
    """The same by its definition, without a running count."""
    places = [PLACES[event.hash] for event in sealed]
    late = [
        index
        for index, (partition, at) in enumerate(places)
        if any(other == partition and before > at for other, before in places[:index])
    ]
    passed = [
        next(
            index for index, (other, at) in enumerate(places) if other == partition and at > missing
        )
        for partition, events in TOPIC.items()
        for missing in range(len(events))
        if (partition, missing) not in places
        and any(other == partition and at > missing for other, at in places)
    ]
    return sorted(f"leaf {index}" for index in (*late, *passed))


@settings(max_examples=examples(150))
@given(st.permutations(EVENTS), st.integers(0, len(EVENTS)), st.integers(1, 5))
def test_what_is_out_of_turn_is_found_and_nothing_else(
    order: list[Event], count: int, bundles: int
) -> None:
    assert found(order[:count], bundles) == expected(order[:count])


@given(st.lists(st.sampled_from(sorted(TOPIC)), max_size=40), st.data())
def test_partitions_may_be_mixed_in_any_way(turns: list[int], data: st.DataObject) -> None:
    waiting = {partition: iter(events) for partition, events in TOPIC.items()}
    sealed = [event for partition in turns if (event := next(waiting[partition], None)) is not None]
    assert found(sealed, data.draw(st.integers(1, 5))) == []


def test_what_the_topic_has_not_is_nobodys_turn() -> None:
    ledger = Ledger()
    others = [report(ledger, incident_number(number)) for number in range(100, 104)]
    assert found([others[0], *EVENTS, *others[1:]]) == []
