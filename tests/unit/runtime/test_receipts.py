"""What a caller gets for a command: the members of the signed event, and the proof as it was
signed."""

import base64
from uuid import UUID

import pytest

from shared.contract.catalogue.triage import SeatFilled
from shared.contract.envelope import Event, Unknown
from shared.contract.vocabulary import Seat
from shared.runtime.say.ledger import Carried
from shared.runtime.say.plan import Recorded, Signed
from shared.runtime.web.receipts import Accepted, Receipt, TimelineItem
from tests.unit.given import INCIDENT, event

SIGNATURE = bytes(range(64))
SAID = event(SeatFilled(seat=Seat.LEGAL, holder="u-4711"))


def signed(said: Event, version: int = 7) -> Signed:
    return Signed(Recorded(said, version), SIGNATURE)


def test_a_receipt_tells_the_place_and_the_proof() -> None:
    receipt = Receipt.of(signed(SAID))
    assert (receipt.service, receipt.partition, receipt.sequence) == (
        SAID.link.service.value,
        SAID.link.partition,
        SAID.link.sequence,
    )
    assert receipt.version == 7
    assert bytes.fromhex(receipt.hash) == SAID.hash
    assert base64.b64decode(receipt.signature, validate=True) == SIGNATURE
    assert receipt.data == {"seat": "legal", "holder": "u-4711"}


def test_a_receipt_says_no_more_than_a_timeline_does() -> None:
    item = TimelineItem.of(signed(SAID))
    assert Receipt.of(signed(SAID)).model_dump().items() <= item.model_dump().items()
    assert (item.actor, item.correlation_id) == (SAID.actor, SAID.correlation_id)
    assert (item.causation_id, item.traceparent) == (SAID.causation_id, SAID.traceparent)


@pytest.mark.parametrize(
    ("value", "shown"),
    [({"a": 1}, {"a": 1}), ([1], {"value": [1]}), (None, {"value": None}), ("x", {"value": "x"})],
)
def test_data_of_an_unknown_type_is_an_object_all_the_same(
    value: object, shown: dict[str, object]
) -> None:
    unknown = SAID._replace(type="incident.later.v9", data=Unknown(value, "no such type"))
    assert TimelineItem.of(signed(unknown)).data == shown


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_answer_has_a_receipt_for_each_event_in_order(count: int) -> None:
    said = tuple(signed(SAID._replace(id=UUID(int=number)), number) for number in range(count))
    accepted = Accepted.of(Carried(INCIDENT, 9, said))
    assert (accepted.incident_id, accepted.version) == (INCIDENT, 9)
    assert [one.event_id for one in accepted.events] == [UUID(int=n) for n in range(count)]
