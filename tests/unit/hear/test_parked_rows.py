"""What is written of a parked message, and how it is read again."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.link import EMPTY, Head
from shared.contract.topics import HEADER_SIGNATURE
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear import parking
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Received, Record, examine
from shared.runtime.hear.messages import headers_of
from tests.unit.runtime.driver import Driver
from tests.unit.runtime.test_receiving import chain, trust

INTAKE = ServiceName.INTAKE
SAID = [item for one in chain(INTAKE, 3) if isinstance(item := examine(one, trust()), Heard)]


def received(**what: Any) -> Received:
    return replace(Received((), (), (), {}), **what)


def row(record: Record, **more: Any) -> dict[str, Any]:
    return {
        "partition": record.partition,
        "kafka_offset": record.offset,
        "message_key": record.key,
        "value": record.value,
        "headers": headers_of(record),
        **more,
    }


async def test_nothing_parked_is_nothing_written() -> None:
    driver = Driver()
    await parking.park(driver, [])
    assert driver.asked == []


@pytest.mark.parametrize("reason", ParkReason)
@pytest.mark.parametrize("readable", [True, False])
async def test_each_reason_keeps_the_message_and_its_place(
    reason: ParkReason, readable: bool
) -> None:
    heard, driver = SAID[1], Driver()
    event = heard.event if readable else None
    await parking.park(driver, [Parked(heard.record, reason, "why", event)])
    (written,) = driver.asked[0].args
    place = ("intake", 2) if readable else (None, None)
    assert written == (
        reason.value,
        "why",
        3,
        heard.record.offset,
        *place,
        heard.record.key,
        heard.record.value,
        headers_of(heard.record),
    )


@given(st.text())
async def test_a_detail_can_be_stored(detail: str) -> None:
    driver = Driver()
    item = Parked(SAID[0].record, ParkReason.MALFORMED, detail)
    await parking.park(driver, [item])
    (written,) = driver.asked[0].args
    assert "\x00" not in written[1]
    assert written[1].replace("\ufffd", "\x00") == detail.replace("\ufffd", "\x00")


async def test_what_became_of_a_batch_resolves_what_was_parked_of_it() -> None:
    driver = Driver()
    parked = (
        Parked(SAID[2].record, ParkReason.EQUIVOCATION, "why", SAID[2].event),
        Parked(SAID[2].record, ParkReason.MALFORMED, "has no event to be told by"),
    )
    batch = received(accepted=(SAID[0],), duplicates=(SAID[1],), parked=parked)
    await parking.resolve(driver, 3, batch)
    first, second = driver.asked
    assert first.args == (
        3,
        [item.record.offset for item in SAID],
        [item.event.hash for item in SAID],
        ["heard", "heard", "parked as equivocation"],
    )
    assert second.args == (3,)


async def test_what_waits_is_asked_for_behind_each_head_and_each_arrival() -> None:
    driver = Driver([[row(SAID[2].record)]])
    chains = {INTAKE: Head(1, b""), ServiceName.TRIAGE: EMPTY}
    examined = [SAID[1], Parked(SAID[0].record, ParkReason.MALFORMED, "")]
    found = await parking.waited(driver, 3, examined, chains, 50)
    assert [one.value for one in found] == [SAID[2].record.value]
    assert driver.asked[0].args == (
        3,
        ["intake", "intake", "triage"],
        [2, 1, 0],
        ["intake", "triage"],
        [1, 0],
        50,
    )


async def test_what_lacks_a_key_is_read_by_pages_to_the_end() -> None:
    pages = [
        [row(SAID[0].record, parked_id=4), row(SAID[1].record, parked_id=9)],
        [row(SAID[2].record, parked_id=11)],
        [],
    ]
    driver = Driver(list(pages))
    found = [page async for page in parking.untrusted(driver, 3)]
    assert [[one.offset for one in page] for page in found] == [[1, 2], [3]]
    assert [asked.args for asked in driver.asked] == [
        (3, 0, parking.PAGE),
        (3, 9, parking.PAGE),
        (3, 11, parking.PAGE),
    ]


@given(st.binary(max_size=80), st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9))))
async def test_a_message_comes_back_with_its_signature(
    signature: bytes, others: list[tuple[str, bytes]]
) -> None:
    headers = (*others, (HEADER_SIGNATURE, base64.b64encode(signature)))
    record = replace(SAID[0].record, headers=headers, signature=signature)
    driver = Driver([[row(record, parked_id=1)]])
    found = [page async for page in parking.untrusted(driver, 3)]
    assert found == [[record]]
    assert len(json.loads(headers_of(record))) == len(headers)


@pytest.mark.parametrize(
    ("said", "words"), [(0, "reacted with 0 events"), (3, "reacted with 3 events")]
)
async def test_a_reaction_that_happened_after_all_is_noted(said: int, words: str) -> None:
    driver = Driver()
    await parking.settle_reaction(driver, 17, said)
    assert driver.asked[0].args == (17, words)
