"""The lessons-learned report: a projection of the log alone, byte for byte the same for the same
events and texts.

`build` makes a `Report` (model.py) from events; `RENDERINGS` make its bytes, in three forms. Pure:
no clock, no locale, no environment. What is published is the digest of the *skeleton*, in which
digests stand for texts, and the heads of the chains that it rests on. An *edition* is made from the
same events with the texts that are at hand, and names the skeleton's digest: when texts are
forgotten, the next edition has holes, and the skeleton stays what it is."""

from collections.abc import Iterable, Sequence

from services.review.report.building import build
from services.review.report.forms import RENDERINGS, Form, Rendering, digest_of, render_json
from services.review.report.history import covered, covers_of
from services.review.report.model import FORMATS, Gap, Report, Unpublished
from services.review.report.reading import Making, read_with, skeleton_of
from shared.contract.catalogue.review import Covered, ReportDigest
from shared.contract.envelope import Event

__all__ = [
    "RENDERINGS",
    "Form",
    "Gap",
    "Making",
    "Rendering",
    "Report",
    "UnknownReportFormat",
    "Unpublished",
    "build",
    "covered",
    "covers_of",
    "digest_of",
    "published",
    "read_with",
    "render_json",
    "skeleton_of",
]


class UnknownReportFormat(ValueError):
    """The report was published by a release that came after this one."""

    def __init__(self, format_: int) -> None:
        super().__init__(
            f"this reader does not know report format {format_}, only "
            f"{' and '.join(map(str, FORMATS))}: make the report with the build that published it, "
            "or a newer one"
        )


def published(events: Iterable[Event], digest: ReportDigest, covers: Sequence[Covered]) -> Report:
    """The report as it was published, in the format of that time. Raises UnknownReportFormat."""
    if digest.format not in FORMATS:
        raise UnknownReportFormat(digest.format)
    return build(covered(events, covers), format_=digest.format)
