"""The report as one HTML page: self-contained, without JavaScript, for screen, phone and paper. The
template is pages/report.html."""

import functools
from typing import Any, Final

import jinja2
from markupsafe import Markup

from services.review.report.model import Report
from services.review.report.plain import plain
from services.review.report.words import count, moment, tier, word, words
from shared.contract.vocabulary import ObservationKind

FILTERS: Final = {"moment": moment, "word": word, "words": words, "tier": tier}


def render_html(report: Report) -> bytes:
    text = _template().render(report=report, observation_kinds=tuple(ObservationKind), count=count)
    return text.encode()


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("services.review", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    return environment.get_template("report.html")


def _shown(value: Any) -> Any:
    """Every expression of the template comes through here, before it is escaped."""
    return plain(str(value)) if isinstance(value, str) and not isinstance(value, Markup) else value
