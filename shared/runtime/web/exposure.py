"""Where a post stands and who can see it, as callers send it: in a report to intake, in an
assessment to triage."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from shared.contract.catalogue.base import Exposure
from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    AuthorRelation,
    PostKind,
    Visibility,
)
from shared.runtime.web.bodies import Body, Name, Url

UNKNOWN: Final = "unknown"


def or_unknown(kind: Any) -> BeforeValidator:
    """`"unknown"` is an answer everywhere; where a field has no word for it, it is null."""
    return BeforeValidator(_or_null, json_schema_input_type=kind | Literal["unknown"] | None)


def _or_null(value: object) -> object:
    return None if value == UNKNOWN else value


Copies = Annotated[int, Field(ge=0, le=2**53, strict=True)]


class ExposureBody(Body):
    """Where it stands and who can see it. Every field may be unknown."""

    platform: Name = UNKNOWN
    url: Annotated[Url | None, or_unknown(Url)] = None
    post_kind: PostKind = PostKind.UNKNOWN
    author_relation: AuthorRelation = AuthorRelation.UNKNOWN
    visibility: Visibility = Visibility.UNKNOWN
    audience_tier: AudienceTier = AudienceTier.UNKNOWN
    still_live: Answer = Answer.UNKNOWN
    copies: Annotated[Copies | None, or_unknown(Copies)] = Field(
        default=None, description="Copies seen elsewhere."
    )

    def stated(self) -> Exposure:
        """As events hold it."""
        return Exposure.model_construct(**dict(self))
