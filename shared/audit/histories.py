"""What the events of a log say, held against the services' rules, subject by subject."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from uuid import UUID

from shared.audit.files import Files
from shared.audit.outcome import LogAudit, Options, Progress
from shared.audit.spool import Spool
from shared.audit.subjects import Sealed, check_subject, read_leaves
from shared.audit.texts.check import check_texts, of_no_event
from shared.audit.texts.lines import beside
from shared.contract.catalogue import short_name
from shared.contract.topics import INCIDENT, kind_of


def read_subjects(
    spool: Spool,
    options: Options,
    files: Files,
    audit: LogAudit,
    progress: Progress,
) -> None:
    """Reads what the spool took, each subject whole, with the texts that lie beside the log's
    files."""
    assert audit.checkpoint is not None
    assert options.rules is not None
    told, findings = beside(files)
    audit.add(findings)
    done, of_nothing = 0, set(told)
    for bucket in spool.buckets():
        sealed, malformed = read_leaves(bucket)
        audit.add(malformed)
        for history in by_subject(sealed):
            audit.incidents += kind_of(history[0].event.type) == INCIDENT
            audit.types.update(short_name(one.event.type) for one in history)
            audit.add(list(check_subject(history, options.rules)))
            audit.add(list(check_texts(history, told, audit.texts)))
            of_nothing.difference_update(one.event.id for one in history)
            done += len(history)
            progress("incidents", done, audit.checkpoint.size)
    audit.add(list(of_no_event(of_nothing)))


def by_subject(sealed: Sequence[Sealed]) -> Iterator[list[Sealed]]:
    """Each subject's events, in the order of the log."""

    def incident(one: Sealed) -> UUID:
        return one.event.subject_id

    for _, history in groupby(sorted(sealed, key=incident), key=incident):
        yield list(history)
