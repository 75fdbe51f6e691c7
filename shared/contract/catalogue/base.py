"""What all event data have in common, and the mark of what may one day be sealed."""

from typing import Annotated, ClassVar, Final, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    AuthorRelation,
    PostKind,
    ServiceName,
    Visibility,
)

T = TypeVar("T")

CONFIDENTIAL: Final = "x-confidential"
"""The keyword that marks a property in the published JSON Schema."""

Confidential = Annotated[T, Field(json_schema_extra={CONFIDENTIAL: True})]
"""Free text or personal data: `Confidential[str]`. One place can find, seal and forget these
without touching a signed byte."""


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    return text


Storable = AfterValidator(_storable)
Name = Annotated[str, Field(min_length=1, max_length=200), Storable]
Line = Annotated[str, Field(min_length=1, max_length=500), Storable]
Text = Annotated[str, Field(min_length=1, max_length=8000), Storable]
Url = Annotated[str, Field(min_length=1, max_length=2000), Storable]


class Part(BaseModel):
    """A piece of event data. Readers ignore fields that are new to them."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_enum_values=False)


class EventData(Part):
    """The `data` of one event type; `TYPE` is its CloudEvents type, `SAID_BY` the only service that
    may say it; None: each service may, about itself."""

    TYPE: ClassVar[str]
    SAID_BY: ClassVar[ServiceName | None]


InWords: TypeAlias = tuple[str, str | None]
"""A sentence of ours, and what people wrote, to be quoted."""


class IncidentEvent(EventData):
    """What is said of an incident."""

    def in_words(self) -> InWords:
        """For people who read a history; each type has its own. Published reports have these very
        words: other words make a new format of the report."""
        raise NotImplementedError(f"{self.TYPE} is not put in words")


class Exposure(Part):
    """Where a post stands and who can see it. Every field may be unknown."""

    platform: Name = "unknown"
    url: Confidential[Url | None] = None
    post_kind: PostKind = PostKind.UNKNOWN
    author_relation: AuthorRelation = AuthorRelation.UNKNOWN
    visibility: Visibility = Visibility.UNKNOWN
    audience_tier: AudienceTier = AudienceTier.UNKNOWN
    still_live: Answer = Answer.UNKNOWN
    copies: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Copies seen elsewhere; null is unknown."
    )
