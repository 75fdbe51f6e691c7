"""A report as people read it: made from its events with the texts and names that are at hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from services.review.report.forms import digest_of
from services.review.report.model import Report
from services.review.report.persons import NOBODY, Names
from services.review.report.sources import Edition
from services.review.report.texts import bare, erased_of, readable, withheld_of
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event

Making: TypeAlias = Callable[[Sequence[Event]], Report]
"""Makes a report of events, whatever stands in their texts."""


def skeleton_of(make: Making, events: Sequence[Event]) -> Report:
    """The report without texts and names. That of a draft is what would be published now."""
    return replace(make(bare(events)), draft=None)


def read_with(
    make: Making,
    events: Sequence[Event],
    found: Mapping[str, Disclosure],
    names: Names = NOBODY,
) -> Report:
    """The edition that `found` and `names` allow. `events` are all that is known of the incident:
    an erasure counts although it came after the events that the report covers."""
    report = make(readable(events, found, names))
    shown = {line.event.event_id for line in report.proof}
    return replace(
        report,
        edition=Edition(
            digest_of(skeleton_of(make, events)).skeleton_sha256,
            tuple(erased_of(events, shown)),
            tuple(withheld_of(events, found, shown)),
        ),
    )
