"""Readers as the commands make them."""

from deploy.ledger.check.rules import kind_of
from shared.audit.texts.readers import Reader, Showing

PERSON = "monitor"
"""Who reports in the world of the audit's tests."""


def showing(reader: Reader, *withheld: str) -> Showing:
    person = PERSON if reader is Reader.EMPLOYEE else None
    return Showing(reader, kind_of, frozenset(withheld), person)
