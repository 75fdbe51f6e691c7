"""The lessons-learned report: a projection of the log alone, in three forms, byte for byte the same
for the same events.

`build` makes a `Report` (model.py) from events; `RENDERINGS` make its bytes, in three forms. Pure:
no clock, no locale, no environment. What is published is the digest of these bytes, and the heads
of the chains that they rest on."""

from collections.abc import Iterable, Sequence

from services.review.report.building import build
from services.review.report.forms import RENDERINGS, Form, Rendering, digest_of
from services.review.report.history import covered, covers_of
from services.review.report.model import Gap, Report, Unpublished
from services.review.report.plain import PLAIN
from shared.contract.catalogue.review import Covered, ReportDigest
from shared.contract.envelope import Event

__all__ = [
    "RENDERINGS",
    "Form",
    "Gap",
    "Rendering",
    "Report",
    "UnknownReportFormat",
    "Unpublished",
    "build",
    "covered",
    "covers_of",
    "digest_of",
    "published",
]


class UnknownReportFormat(ValueError):
    """The report was published by a release that came after this one."""

    def __init__(self, format_: int) -> None:
        super().__init__(
            f"this reader does not know report format {format_}, only "
            f"{' and '.join(map(str, PLAIN))}: make the report with the build that published it, "
            "or a newer one"
        )


def published(events: Iterable[Event], digest: ReportDigest, covers: Sequence[Covered]) -> Report:
    """The report as it was published, in the format of that time. Raises UnknownReportFormat."""
    if digest.format not in PLAIN:
        raise UnknownReportFormat(digest.format)
    return build(covered(events, covers), format_=digest.format)
