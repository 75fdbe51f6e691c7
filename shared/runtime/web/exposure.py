"""Where a post stands and who can see it, as callers send it: in a report to intake, in an
assessment to triage."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from shared.contract.catalogue.base import Exposure
from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    AuthorRelation,
    Platform,
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
        known = None if self.platform == UNKNOWN else self.platform
        return Exposure(
            platform=Platform.UNKNOWN if known is None else Platform.named(known),
            platform_name=known,
            url=self.url,
            post_kind=self.post_kind,
            author_relation=self.author_relation,
            visibility=self.visibility,
            audience_tier=self.audience_tier,
            still_live=self.still_live,
            copies=self.copies,
        )
