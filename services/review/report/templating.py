"""The templates of the report. Every expression of one is finished by its form before it is written:
there is no way to write free text that is not escaped."""

from collections.abc import Callable
from typing import Any, Final

import jinja2

from services.review.report.model import Report
from services.review.report.words import count, moment, tier, word, words
from shared.contract.vocabulary import ObservationKind

FILTERS: Final = {"moment": moment, "word": word, "words": words, "tier": tier}


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
