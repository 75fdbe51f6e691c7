"""What is read without decoding is what a strict reader reads, whatever an enemy writes into an
envelope that he signs."""

import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.audit import places
from shared.audit.chains import ChainCheck
from shared.contract.catalogue import BY_TYPE
from shared.contract.catalogue.system import SystemRecord
from shared.contract.envelope import MalformedEnvelope, read
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS
from tests.unit.audit.world import (
    TRUST,
    Ledger,
    audit,
    incident_number,
    publish_log,
    report,
    two_stories,
)

ENVELOPE: Final = report(Ledger(), incident_number(1)).envelope

WRITABLE: Final = [match.span(1) for match in re.finditer(rb'":"([^"]*)"', ENVELOPE)]
"""Where each text of the envelope stands."""

_HOSTILE: Final = st.sampled_from(
    [
        b'","sequence":"00000000000000000009',
        b'","x":{"y":"',
        b'","x":[{"y":"',
        b'"},"sequence":"00000000000000000009","x":{"y":"',
        b'","source":"/incident-ledger/triage/3',
        b'","prevhash":"' + b"1" * 64,
        b"\\",
        b"\\u0022",
        b'"',
        b"{",
        b"}",
        b"\\\\",
        b'\\",\\"',
        b"\x00",
        b"\xff",
        b" ",
    ]
)


class OnlyFast(ChainCheck):
    """Counts what the hot path gave to the strict reader."""

    slow = 0

    def _read(self, index: int, entry: bytes, hash_: bytes) -> None:
        self.slow += 1


def fast(envelope: bytes) -> list[tuple[str, int]]:
    """The chain and number that the hot path takes the envelope for; nothing when it leaves it to
    the strict reader."""
    check = OnlyFast(TRUST, lambda _: bytes(64), {})
    check.take(0, [envelope], [event_hash(envelope)])
    return [(chain.name, chain.sequence) for chain in check.chains.values() if chain.sequence]


def agrees(envelope: bytes) -> None:
    taken_for = fast(envelope)
    try:
        event = read(envelope)
    except MalformedEnvelope:
        return
    if taken_for:
        assert taken_for == [(f"{event.service}/{event.link.partition}", event.link.sequence)]
        assert event.link.prevhash == bytes(32)


@given(
    place=st.sampled_from(WRITABLE),
    keep=st.booleans(),
    parts=st.lists(_HOSTILE | st.binary(max_size=12), max_size=4),
)
@example(place=WRITABLE[1], keep=True, parts=[b'","x":{"y":"'])
def test_no_text_in_an_envelope_moves_its_place(
    place: tuple[int, int], keep: bool, parts: list[bytes]
) -> None:
    """Also when what is written is exactly as long as what stood there."""
    start, end = place
    written = b"".join(parts)
    if keep:
        written = (written + ENVELOPE[start:end])[: end - start]
    agrees(ENVELOPE[:start] + written + ENVELOPE[end:])


@given(st.lists(st.tuples(st.integers(0, len(ENVELOPE) - 1), st.integers(0, 255)), max_size=4))
def test_no_changed_bytes_move_its_place(changes: list[tuple[int, int]]) -> None:
    envelope = bytearray(ENVELOPE)
    for place, byte in changes:
        envelope[place] = byte
    agrees(bytes(envelope))


def test_an_object_that_hides_the_place_is_left_to_the_strict_reader() -> None:
    """Well formed for every strict reader, who finds number 9 behind the object that opens in the
    short time."""
    time = re.search(rb'"time":"([^"]{27})"', ENVELOPE)
    assert time is not None
    opened = ENVELOPE.replace(time[1], b'2026-03-02T09Z","x":{"y":"0')
    real = b',"sequence":"%020d","prevhash":"%b","subjectprev":"%b"' % (9, b"1" * 64, b"0" * 64)
    hidden = opened + real + b',"actor":"a","keyid":"b","rules":1,"correlationid":"c","data":{}}'
    assert read(hidden).link.sequence == 9
    assert fast(ENVELOPE)
    assert fast(hidden) == []


def test_what_services_write_is_read_on_the_hot_path() -> None:
    ledger = two_stories()
    check = OnlyFast(TRUST, lambda _: bytes(64), {})
    check.take(0, ledger.entries, [event_hash(entry) for entry in ledger.entries])
    assert check.slow == 0
    assert {chain.name: chain.sequence for chain in check.chains.values() if chain.sequence} == {
        f"{service}/{partition}": head.sequence
        for (service, partition), head in ledger.heads.items()
    }


def test_every_type_that_one_service_says_of_incidents_has_its_own_place() -> None:
    types = [
        event
        for event in BY_TYPE.values()
        if event.SAID_BY is not None and not issubclass(event, SystemRecord)
    ]
    assert len(places.places()) == len(types) * PARTITIONS


@pytest.mark.slow
def test_the_memory_of_the_links_does_not_grow_with_the_log(tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for count in (600, 2400):
        ledger = Ledger()
        for number in range(count):
            report(ledger, incident_number(number))
        publish_log(tmp_path / str(count), ledger)
        audit(tmp_path / str(count), rules=None)
        tracemalloc.start()
        assert audit(tmp_path / str(count), rules=None).findings == []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.3
