"""What a service knows of an incident is a fold: of its own last hash, and of the newest traces."""

from hypothesis import given
from hypothesis import strategies as st

from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.triage import InactionDecided
from shared.contract.envelope import Event
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, examine
from shared.runtime.say.memory import LINKS, Loaded
from shared.runtime.say.plan import Recorded
from tests.unit.runtime.test_receiving import chain, trust

COUNT = 24


def events(service: ServiceName, data: EventData | None = None) -> list[Event]:
    examined = [examine(record, trust()) for record in chain(service, COUNT, data=data)]
    heard = [item.event for item in examined if isinstance(item, Heard)]
    assert len(heard) == COUNT
    return heard


OURS = events(ServiceName.INTAKE)
THEIRS = events(ServiceName.TRIAGE, InactionDecided(reason="quiet"))


def counted(state: int, _event: Event) -> int:
    return state + 1


def folded(told: list[Event], since: Loaded[int] | None = None) -> Loaded[int]:
    before = since or Loaded(0, 0)
    recorded = [Recorded(event, before.version + at) for at, event in enumerate(told, 1)]
    return before.after(recorded, counted, ServiceName.INTAKE)


def test_nothing_more_changes_nothing() -> None:
    loaded = folded(OURS[:3])
    assert folded([], loaded) == loaded
    assert (loaded.state, loaded.version) == (3, 3)


def test_the_hash_is_of_what_the_service_said_last_whatever_it_heard_since() -> None:
    assert folded([OURS[0], OURS[1], THEIRS[0]]).said_hash == OURS[1].hash
    assert folded(THEIRS[:2]).said_hash == ZERO_HASH


def test_the_newest_traces_are_linked_to_and_no_more() -> None:
    traced = [event._replace(traceparent=f"trace {at}") for at, event in enumerate(OURS)]
    assert folded(traced).traceparents == tuple(f"trace {at}" for at in range(COUNT - LINKS, COUNT))
    untraced = [event._replace(traceparent=None) for event in OURS[:2]]
    assert folded([traced[0], *untraced]).traceparents == ("trace 0",)


@given(cut=st.integers(0, COUNT), told=st.permutations([*OURS[:12], *THEIRS[:12]]))
def test_it_is_the_same_folded_at_once_or_in_two_goes(cut: int, told: list[Event]) -> None:
    assert folded(told[cut:], folded(told[:cut])) == folded(told)
