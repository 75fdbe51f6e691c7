"""What callers may send: types of the fields of a body, and the models that bodies are.

Strict, because it is people's word that is put down here: nothing is taken for what it is not, no
unknown field is passed over, and a text says something that can be seen. Readers of events that
were said before these rules are the contract's, and lenient."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from shared.contract.characters import has_visible, invisible_ranges
from shared.runtime.web import strict
from shared.runtime.web.persons import named, subjects

T = TypeVar("T")

_UUID: Final = r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"
_CONTROLS: Final = ((0x00, 0x1F), (0x7F, 0x9F), (0x2028, 0x2029))
_NUL: Final = ((0x00, 0x00),)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A text with a visible character and without the characters of these ranges."""

    without: tuple[tuple[int, int], ...]
    remedy: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        may = f"[^{_class(self.without)}]*"
        seen = f"[^{_class((*self.without, *invisible_ranges()))}]"
        return {**handler(schema), "pattern": f"^{may}{seen}{may}$"}

    def _check(self, text: str) -> str:
        if re.search(f"[{_class(self.without)}]", text):
            raise ValueError(self.remedy)
        if not has_visible(text):
            raise ValueError("must have a visible character; leave the field out to say nothing")
        return text


def _class(ranges: tuple[tuple[int, int], ...]) -> str:
    """As ECMA-262 and Python alike write a class of characters."""
    return "".join(
        _escaped(first) if first == last else f"{_escaped(first)}-{_escaped(last)}"
        for first, last in ranges
    )


def _escaped(point: int) -> str:
    return f"\\u{point:04x}" if point <= 0xFFFF else chr(point)


_TEXT: Final = _Shown(_NUL, "must not contain the character NUL")
_LINE: Final = _Shown(_CONTROLS, "must be one line, without control characters")

Name = Annotated[str, Field(min_length=1, max_length=200), _TEXT]
Line = Annotated[str, Field(min_length=1, max_length=500), _TEXT]
Text = Annotated[str, Field(min_length=1, max_length=8000), _TEXT]
Url = Annotated[str, Field(min_length=1, max_length=2000), _TEXT]
OneLine = Annotated[str, Field(min_length=1, max_length=500), _LINE]
"""Without line breaks: channels put it where one would begin something else, another header of a
mail."""


_SUBJECT: Final = r"^[^\s]+( [^\s]+)*$"


def _subject(name: str) -> str:
    if (flaw := subjects.flaw(name)) is not None:
        raise ValueError(flaw)
    return named.pseudonym_of(name)


Subject = Annotated[
    str,
    Field(min_length=1, max_length=subjects.MOST),
    AfterValidator(_subject),
    WithJsonSchema(
        {
            "type": "string",
            "format": subjects.FORMAT,
            "minLength": 1,
            "maxLength": subjects.MOST,
            "pattern": _SUBJECT,
        }
    ),
]
"""A person, as tokens name them, or as answers do: whoever reads the field reads the pseudonym."""


def _id(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value  # of ours: JSON has no such value
    if not isinstance(value, str) or not re.fullmatch(_UUID[1:-1], value):
        raise ValueError("must be a UUID such as 01960000-0000-7000-8000-000000000001")
    return UUID(value)


Id = Annotated[
    UUID,
    BeforeValidator(_id, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "uuid", "pattern": _UUID}),
]
"""A UUID in its one spelling, in upper or lower case."""


def _flag(value: Any) -> Any:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


Flag = Annotated[bool, BeforeValidator(_flag, json_schema_input_type=bool)]
"""A boolean in a query, where all is text; in a body it is a `bool`."""


def whole_number(value: Any) -> Any:
    """A whole number in a query, where all is text; in a body it is an `int`."""
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII):
        raise ValueError("must be a whole number, in digits")
    return int(value)


@dataclass(frozen=True, slots=True)
class Sent:
    """The JSON text of a body, checked, as a route hands it to its model."""

    data: bytes


class Body(BaseModel):
    """What a caller sends: strict, and closed to unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    ITEMS: ClassVar[int] = strict.ITEMS
    """Members and elements that a body may have."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Frameworks hand over values, in which a text that stands for a time and a guess are the
        same; only the JSON text tells them apart, so that is what they are given to hand over."""
        schema = handler(source)
        return core_schema.json_or_python_schema(
            schema, core_schema.no_info_wrap_validator_function(cls._taken, schema)
        )

    @classmethod
    def _taken(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        return cls.model_validate_json(value.data) if isinstance(value, Sent) else validate(value)

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Reads a JSON text. Raises Unreadable, ValidationError."""
        return cls.model_validate_json(strict.checked(data, items=cls.ITEMS))


Listed = Annotated[tuple[T, ...], Field(fail_fast=True)]
"""A list of which the first wrong item alone is told: a long list of wrong ones costs no more."""


def example(value: dict[str, Any]) -> ConfigDict:
    """For `model_config`: what the documentation shows."""
    return ConfigDict(json_schema_extra={"example": value})
