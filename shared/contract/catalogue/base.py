"""What all event data have in common, and the mark of what can be forgotten."""

from enum import Enum
from typing import Annotated, Any, ClassVar, Final, TypeAlias, TypeVar, overload

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import CoreSchema, core_schema

from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    AuthorRelation,
    Platform,
    PostKind,
    ServiceName,
    Visibility,
)

T = TypeVar("T")

CONFIDENTIAL: Final = "x-confidential"
"""The keyword that marks a property in the published JSON Schema."""


class Withheld(Enum):
    """Stands in event data where a text was given and is not at hand: the event holds its digest
    only (`shared.contract.disclosure`)."""

    WITHHELD = "withheld"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: Any) -> dict[str, Any]:
        return {"not": {}}


WITHHELD: Final = Withheld.WITHHELD


def _not_there(value: object) -> bool:
    return value is WITHHELD or value is None


Confidential = Annotated[
    T | Withheld, Field(exclude_if=_not_there, json_schema_extra={CONFIDENTIAL: True})
]
"""What people wrote, and what names a person: `Confidential[Text]`. In the event's bytes stands its
salted digest, in `_sd`; the field itself is written only where the text is at hand."""

Words: TypeAlias = str | Withheld
"""A text in a command or a state: given by a caller, or withheld where rules are run again over the
record. No rule reads it."""


@overload
def words_of(text: Words) -> str: ...
@overload
def words_of(text: Words | None) -> str | None: ...
def words_of(text: Words | None) -> str | None:
    """The text, where `fill` has left none withheld. Raises ValueError when one is."""
    if isinstance(text, Withheld):
        raise ValueError("a text is withheld that should have been filled in")
    return text


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    return text


Storable = AfterValidator(_storable)
Name = Annotated[str, Field(min_length=1, max_length=200), Storable]
Line = Annotated[str, Field(min_length=1, max_length=500), Storable]
Text = Annotated[str, Field(min_length=1, max_length=8000), Storable]
Url = Annotated[str, Field(min_length=1, max_length=2000), Storable]

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
"""The name of a row of our own tables: a rule, a reason, what a gate asks for."""
Setting = Annotated[str, Field(min_length=1, max_length=200), Storable]
"""A name that the operator has given in the settings: a channel."""
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""SHA-256, as hex."""
Salted = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{43}$")]
"""SHA-256 of a disclosure, as base64url (RFC 9901)."""
Person = Annotated[str, Field(pattern=r"^[a-z][a-z0-9:._-]{0,99}$")]
"""The pseudonym of a person, or `service:<name>`."""


def _none(digests: tuple[str, ...]) -> bool:
    return not digests


class Part(BaseModel):
    """A piece of event data. Readers ignore fields that are new to them."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        use_enum_values=False,
        serialize_by_alias=True,
        validate_by_name=True,
    )

    sd: tuple[str, ...] = Field(
        (),
        alias="_sd",
        exclude_if=_none,
        description="Digests of the confidential fields that were given (RFC 9901 §4.2.4.1), "
        "sorted.",
    )


class EventData(Part):
    """The `data` of one event type; `TYPE` is its CloudEvents type, `SAID_BY` the only service that
    may say it; None: each service may, about itself."""

    TYPE: ClassVar[str]
    SAID_BY: ClassVar[ServiceName | None]


InWords: TypeAlias = tuple[str, Words | None]
"""A sentence of ours, and what people wrote, to be quoted."""


class IncidentEvent(EventData):
    """What is said of an incident."""

    def in_words(self) -> InWords:
        """For people who read a history; each type has its own. Published reports have these very
        words: other words make a new format of the report."""
        raise NotImplementedError(f"{self.TYPE} is not put in words")


class Exposure(Part):
    """Where a post stands and who can see it. Every field may be unknown."""

    platform: Platform = Platform.UNKNOWN
    platform_name: Confidential[Name | None] = Field(
        None, description="The platform as it was named."
    )
    url: Confidential[Url | None] = None
    post_kind: PostKind = PostKind.UNKNOWN
    author_relation: AuthorRelation = AuthorRelation.UNKNOWN
    visibility: Visibility = Visibility.UNKNOWN
    audience_tier: AudienceTier = AudienceTier.UNKNOWN
    still_live: Answer = Answer.UNKNOWN
    copies: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Copies seen elsewhere; null is unknown."
    )
