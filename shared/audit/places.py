"""An event's place on its chain, read out of the envelope's bytes without decoding them.

`shared.contract.envelope.write` gives the attributes one order and no white space, and all of them up to `incidentprev` a fixed
length once source and type are known. So source and type are looked up as one slice, and behind them number and previous hash
stand at one place, in one spelling.

What this can be fooled by, and why it is not. A text between these places could close its quotes and bring more members: a member
that stands twice is refused by every strict reader, whichever comes first. It could open an object, so that what follows belongs to
that: there must be no brace from the first to the last byte that is looked at. So an envelope that is found here, and that a strict
reader takes, has the same place for both; and one that is not found here is given to the strict reader. What else a strict reader
would refuse is not looked at here: see `incidents`.
"""

from binascii import hexlify
from typing import Final

from shared.contract.catalogue import BY_TYPE
from shared.contract.catalogue.system import SystemRecord
from shared.contract.envelope import schema_uri
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName

SOURCE_AT: Final = len('{"specversion":"1.0","id":"') + 36
"""Bytes before the end of the id."""

SUBJECT: Final = b'","subject":"'


def source_and_type(service: ServiceName, partition: int, event_type: str) -> bytes:
    """What stands between the id and `SUBJECT`."""
    return f'","source":"/incident-ledger/{service}/{partition}","type":"{event_type}'.encode()


def number_at(event_type: str) -> int:
    """Bytes from `SUBJECT` to what `expected` gives."""
    between = (
        f'{36 * "."}","time":"{27 * "."}","datacontenttype":"application/json","dataschema":"{schema_uri(event_type)}'
    )
    return len(SUBJECT) + len(between)


def expected(sequence: int, prevhash: bytes) -> bytes:
    """How the envelope with this number goes on behind its dataschema."""
    return b'","sequence":"%020d","prevhash":"%b","incidentprev":"' % (sequence, hexlify(prevhash))


def places() -> dict[bytes, tuple[ServiceName, int, int]]:
    """`source_and_type` to service, partition and `number_at`, of every type in the catalogue that one service says of incidents."""
    return {
        source_and_type(event.SAID_BY, partition, event_type): (event.SAID_BY, partition, number_at(event_type))
        for event_type, event in BY_TYPE.items()
        if event.SAID_BY is not None and not issubclass(event, SystemRecord)
        for partition in range(PARTITIONS)
    }


def subject_of(envelope: bytes) -> bytes | None:
    """The incident, for putting envelopes of one incident together; None where it stands in no usual place.

    Only a strict reader tells whether it is really the incident's."""
    start = envelope.find(SUBJECT, SOURCE_AT, SOURCE_AT + 200)
    return envelope[start + len(SUBJECT) : start + len(SUBJECT) + 36] if start > 0 else None
