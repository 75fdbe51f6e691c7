"""An event's place on its chain, read out of the envelope's bytes without decoding them.

`shared.contract.envelope.write` gives the attributes one order and no white space, and all of them
up to `subjectprev` a fixed length once source and type are known. So source and the beginning of
the type are looked up as one slice, and behind them number and previous hash stand at one place, in
one spelling.

What this can be fooled by, and why it is not. A text before that place could close its quotes and
bring more members: a member that stands twice is refused by every strict reader, whichever comes
first. It could open an object, so that what follows belongs to that: there must be no brace from
the second byte to that place. So an envelope that is found here, and that a strict reader takes,
has the same place for both; and one that is not found here is given to the strict reader. What else
a strict reader would refuse is not looked at here: see `subjects`."""

from binascii import hexlify
from typing import Final

from shared.contract.catalogue import BY_TYPE
from shared.contract.catalogue.system import SystemRecord
from shared.contract.envelope import schema_uri
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName

_BEFORE: Final = '{"specversion":"1.0","id":"' + 36 * "."
_SUBJECT: Final = '","subject":"'
_SHORTEST: Final = min(len(event_type) for event_type in BY_TYPE)

START: Final = len(_BEFORE)
END: Final = (
    START
    + len(f'","source":"/incident-ledger/{ServiceName.INTAKE}/0","type":"')
    + _SHORTEST
    + len(_SUBJECT)
)
"""Between these stand the source and as much of the type as any type has with what follows it:
enough to tell one from another."""


def expected(sequence: int, prevhash: bytes) -> bytes:
    """How the envelope with this number goes on behind its dataschema."""
    return b'","sequence":"%020d","prevhash":"%b","subjectprev":"' % (sequence, hexlify(prevhash))


def places() -> dict[bytes, tuple[ServiceName, int, int]]:
    """What stands between `START` and `END` to service, partition, and where `expected` follows.

    Of every type in the catalogue that one service says of subjects."""
    found: dict[bytes, tuple[ServiceName, int, int]] = {}
    for event_type, event in BY_TYPE.items():
        if event.SAID_BY is not None and not issubclass(event, SystemRecord):
            for partition in range(PARTITIONS):
                head = _head(event.SAID_BY, partition, event_type)
                found[head[START:END]] = event.SAID_BY, partition, len(head)
    return found


def _head(service: ServiceName, partition: int, event_type: str) -> bytes:
    """As `write` makes it up to the number, with dots for id, subject and time."""
    source = f'","source":"/incident-ledger/{service}/{partition}'
    subject = f'","type":"{event_type}{_SUBJECT}{36 * "."}'
    time = f'","time":"{27 * "."}","datacontenttype":"application/json'
    schema = f'","dataschema":"{schema_uri(event_type)}'
    return f"{_BEFORE}{source}{subject}{time}{schema}".encode()


def subject_of(envelope: bytes) -> bytes | None:
    """The subject, for putting envelopes of one subject together; None where it stands in no
    usual place.

    Only a strict reader tells whether it is really the subject's."""
    start = envelope.find(_SUBJECT.encode(), START, START + 200)
    return envelope[start + len(_SUBJECT) : start + len(_SUBJECT) + 36] if start > 0 else None
