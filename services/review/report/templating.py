"""The templates of the report. Each form finishes every expression before it is written, so that no
free text gets through unescaped."""

from collections.abc import Callable
from typing import Any, Final

import jinja2

from services.review.report.model import Report
from shared.contract.vocabulary import ObservationKind
from shared.contract.wording import count, moment, tier, word, words

FILTERS: Final = {
    "moment": moment,
    "word": word,
    "words": words,
    "tier": tier,
    "seconds": "{:.15g}".format,
}


def template(
    name: str, finish: Callable[[Any], Any], **filters: Callable[..., Any]
) -> jinja2.Template:
    """The template of this name; `finish` gets the value of every expression. Text is escaped for
    HTML afterwards unless `finish` gives it back as Markup."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("services.review.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=finish,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS | filters)
    return environment.get_template(name)


def render(made: jinja2.Template, report: Report) -> bytes:
    kinds = tuple(ObservationKind)
    return made.render(report=report, observation_kinds=kinds, count=count).encode()
