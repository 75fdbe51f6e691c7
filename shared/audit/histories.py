"""What the events of a log say, held against the services' rules, incident by incident."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from uuid import UUID

from shared.audit.incidents import Rules, Sealed, check_incident, read_leaves
from shared.audit.outcome import LogAudit, Progress
from shared.audit.spool import Spool
from shared.audit.texts.check import Told, check_texts, of_no_event
from shared.contract.catalogue import short_name
from shared.contract.topics import INCIDENT, kind_of
from shared.contract.vocabulary import ServiceName


def read_incidents(
    spool: Spool,
    rules: Mapping[ServiceName, Rules],
    told: Told,
    audit: LogAudit,
    progress: Progress,
) -> None:
    """Reads what the spool took, each incident whole, with the texts that lie beside the log."""
    assert audit.checkpoint is not None
    done, of_nothing = 0, set(told)
    for bucket in spool.buckets():
        sealed, findings = read_leaves(bucket)
        audit.add(findings)
        for history in by_incident(sealed):
            audit.incidents += kind_of(history[0].event.type) == INCIDENT
            audit.types.update(short_name(one.event.type) for one in history)
            audit.add(list(check_incident(history, rules)))
            audit.add(list(check_texts(history, told, audit.texts)))
            of_nothing.difference_update(one.event.id for one in history)
            done += len(history)
            progress("incidents", done, audit.checkpoint.size)
    audit.add(list(of_no_event(of_nothing)))


def by_incident(sealed: Sequence[Sealed]) -> Iterator[list[Sealed]]:
    """Each incident's events, in the order of the log."""

    def incident(one: Sealed) -> UUID:
        return one.event.incident_id

    for _, history in groupby(sorted(sealed, key=incident), key=incident):
        yield list(history)
