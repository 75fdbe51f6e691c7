"""Many messages are examined on many cores; nobody can tell from what comes out."""

from dataclasses import replace

import pytest

from shared.chain.trust import Trust
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear import examining
from shared.runtime.hear.batch import Batch, batch_of
from shared.runtime.hear.examining import AT_ONCE, examine_all
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Record, examine, receive
from shared.runtime.hear.tables import Stretch
from tests.unit.runtime.test_receiving import EMPTY, chain, trust


def mixed(count: int) -> list[Record]:
    """Good messages, with one in seven spoilt and one in eleven badly signed."""
    records = chain(ServiceName.INTAKE, count)
    for at in range(0, count, 7):
        records[at] = replace(records[at], value=b"{")
    for at in range(1, count, 11):
        records[at] = replace(records[at], signature=b"x" * 64)
    return records


@pytest.mark.parametrize("count", [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE + 5])
async def test_each_is_judged_as_alone_and_in_its_order(count: int) -> None:
    records = mixed(count)
    examined = await examine_all(records, trust())
    assert examined == [examine(record, trust()) for record in records]
    assert [item.record for item in examined] == records


async def test_every_message_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(records: list[Record], known: Trust) -> list[Heard | Parked]:
        sizes.append(len(records))
        return [examine(record, known) for record in records]

    monkeypatch.setattr(examining, "examine_together", counted)
    await examine_all(chain(ServiceName.INTAKE, AT_ONCE * 2 + 1), trust())
    assert sorted(sizes) == [1, AT_ONCE, AT_ONCE]


async def test_a_batch_keeps_the_keys_that_it_was_examined_with() -> None:
    known = trust().copy()
    batch = await batch_of(3, chain(ServiceName.INTAKE, 2), Stretch(0, 2), known)
    assert [type(item) for item in batch.examined] == [Heard, Heard]
    known._keys.clear()
    again = batch.after([])
    assert [type(item) for item in again.examined] == [Heard, Heard]
    assert (again.partition, again.stretch) == (3, Stretch(0, 2))


async def test_what_a_new_key_does_not_sign_is_parked_when_it_is_examined_again() -> None:
    batch = await batch_of(3, chain(ServiceName.INTAKE, 2), None, Trust(()))
    assert [item.reason for item in batch.examined if isinstance(item, Parked)] == [
        ParkReason.UNTRUSTED
    ] * 2
    trusted = replace(batch, trust=trust()).after([])
    assert all(isinstance(item, Heard) for item in trusted.examined)


async def test_the_rest_of_a_batch_moves_no_offset_again() -> None:
    records = chain(ServiceName.INTAKE, 3)
    batch = Batch(3, trust(), [examine(one, trust()) for one in records], Stretch(0, 3))
    received = receive(
        ServiceName.NOTIFY, dict.fromkeys(ServiceName, EMPTY), {}, [], batch.examined[:1]
    )
    rest = batch.rest(replace(received, rest=tuple(records[1:])))
    assert [item.record for item in rest.examined] == records[1:]
    assert rest.stretch is None
    assert batch.stretch == Stretch(0, 3)
