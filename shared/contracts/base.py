"""The basis of all contracts: the frozen base classes, names, correlation ids, model references."""

import math
import re
import unicodedata
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Final, Literal, get_args
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    GetPydanticSchema,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

CONTRACT_VERSION = 1
HOUR_S = 3600.0

Task = Literal["classification", "regression", "outlier_detection", "clustering"]
TASKS: tuple[Task, ...] = get_args(Task)
UNSUPERVISED: frozenset[Task] = frozenset({"outlier_detection", "clustering"})
"""The tasks without a target."""


class Contract(BaseModel):
    """Base of all contracts: frozen, nothing unknown allowed, JSON only."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, ser_json_inf_nan="null")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Mark the discriminator as required: its default is for Python; JSON must name it."""
        described = handler(schema)
        whole = handler.resolve_ref_schema(described)
        tags = [name for name in whole.get("properties", {}) if _is_tag(whole["properties"][name])]
        for name in tags:
            whole["properties"][name].pop("default", None)
        if tags:
            whole["required"] = [*tags, *(name for name in whole.get("required", []) if name not in tags)]
        return described


def _is_tag(described: JsonSchemaValue) -> bool:
    """Whether a field can only be one text: `command`, `kind`, `event`. A contract's version is a number."""
    return isinstance(described.get("const"), str)


_NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_ALIAS_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_-]{0,99}$"
TAG_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
SPACE_KEY_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_]{0,199}$"
SHA256_PATTERN: Final = r"^[0-9a-f]{64}$"
PLOT_NAME_PATTERN: Final = r"^[a-z][a-z0-9_]{0,99}$"

PATTERN_WORDS: Final = {
    _NAME_PATTERN: "must be a name of 1 to 100 letters, digits, `.`, `_` or `-` that starts with a letter or digit",
    _ALIAS_PATTERN: "must be an alias of 1 to 100 letters, digits, `_` or `-` that starts with a letter",
    TAG_PATTERN: "must be 1 to 100 letters, digits, `_` or `-` and start with a letter or digit",
    SPACE_KEY_PATTERN: "must be 1 to 200 letters, digits or `_` and start with a letter",
    SHA256_PATTERN: "must be a SHA-256 in hexadecimal: 64 digits or letters from a to f",
    PLOT_NAME_PATTERN: "must be 1 to 100 lower-case letters, digits or `_` and start with a letter",
}
"""Each pattern of the contracts in words, since no error should quote a regular expression."""

Name = Annotated[
    str,
    StringConstraints(strict=True, pattern=_NAME_PATTERN),
    Field(examples=["churn"]),
]
"""A name of up to 100 letters, digits, `.`, `_` or `-`. Like the types below it has no description of its own, which
would replace those of the fields."""


def free_name(reserved: str) -> GetPydanticSchema:
    """An annotation for names of new records that rejects a word which a route uses in place of a name.

    Args:
        reserved: The word, such as ``compare`` in ``GET /evaluations/compare``.
    """

    def is_free(value: str) -> str:
        if value == reserved:
            raise ValueError(f"{reserved!r} is reserved; choose another name")
        return value

    return GetPydanticSchema(
        lambda source, handler: core_schema.no_info_after_validator_function(is_free, handler(source)),
        lambda schema, handler: {**handler(schema), "not": {"const": reserved}},
    )


AliasName = Annotated[
    str,
    StringConstraints(strict=True, pattern=_ALIAS_PATTERN),
    Field(examples=["champion"]),
]
"""An alias of up to 100 letters, digits, `_` or `-` that starts with a letter."""


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain a NUL character")
    return value


Label = Annotated[str, AfterValidator(_without_nul)]
"""The label of a class as the key of an object; a key in MongoDB cannot contain NUL."""

_BYTE_ORDER_MARK = "\ufeff"
"""Invisible: a program that writes one before a file that already has one makes it part of the first name."""


def usable_name(name: str) -> str:
    """The name of a column as an upload normalises it: in Unicode NFC, without surrounding space.

    Byte order marks around the name are removed like space.
    """
    if name.isascii():
        return name.strip()
    usable = unicodedata.normalize("NFC", name).strip()
    while usable != (shorter := usable.strip(_BYTE_ORDER_MARK).strip()):
        usable = shorter
    return usable


@lru_cache(10_000)  # the rows of a request name the same columns again and again
def _usable_column_name(value: str) -> str:
    name = usable_name(_without_nul(value))
    if not name:
        raise ValueError("must not be blank")
    return name


ColumnName = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=500),
    AfterValidator(_usable_column_name),
    # the validator's rule, except for the composition of characters
    Field(json_schema_extra={"pattern": r"^[^\x00]*[^\s\x00\ufeff][^\x00]*$"}),
]
"""The name of a column, normalised like an upload's header: ``" age "`` and ``"age"`` are the same."""


def canonical_uuid(value: Any) -> str | None:
    """A UUID as lower-case text, in whatever spelling it came; None if it is not a UUID."""
    try:
        return str(UUID(str(value)))
    except ValueError:
        return None


def _canonical_uuid(value: Any) -> Any:
    if not isinstance(value, (UUID, str)):
        return value
    if (found := canonical_uuid(value)) is None:
        raise ValueError(f"must be a UUID, such as {uuid4()}")
    return found


CorrelationId = Annotated[
    str,
    BeforeValidator(_canonical_uuid),
    Field(json_schema_extra={"format": "uuid"}),
]


class CommandBase(Contract):
    """The fields of every command."""

    queue: ClassVar[str]
    retention_s: ClassVar[float | None] = None
    """Seconds for which the job is kept after its end; default: the setting's value."""

    contract: Literal[1] = 1
    """The version of the contract."""
    correlation_id: CorrelationId | None = None
    """The id of the job: a command that is sent again with the same id is the same job. Default: the id of the message,
    or a new one."""


_REFERENCE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99})(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,99}))?$")


def _known_reference(value: str) -> str:
    if not _REFERENCE.match(value):
        raise ValueError("must be `name`, `name@alias` or `name@3` (a version number)")
    return value


ModelReference = Annotated[
    str,
    StringConstraints(strict=True),
    AfterValidator(_known_reference),
    Field(examples=["churn", "churn@champion", "churn@3"], json_schema_extra={"pattern": _REFERENCE.pattern}),
]
"""A model version: ``name`` (the champion), ``name@alias`` or ``name@3`` (a version number)."""


def split_reference(reference: str) -> tuple[str, str | int]:
    """Split a model reference into the model's name and its version number or alias (``champion`` by default)."""
    name, _, selector = reference.partition("@")
    if not selector:
        return name, "champion"
    return name, int(selector) if selector.isdecimal() and len(selector) <= len(str(MAX_VERSION)) else selector


def _without_point(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


MAX_INTEGER = 2**63 - 1
"""The largest integer that can be stored; larger numbers must be sent as text or with a decimal point."""
_INTEGERS = range(-MAX_INTEGER - 1, MAX_INTEGER + 1)
MAX_VERSION = 10**10 - 1
"""Ten digits are enough for any number of versions."""

WholeNumber = Annotated[int, Field(ge=1, le=MAX_INTEGER, strict=True), BeforeValidator(_without_point)]
"""An integer of at least 1 that is neither text nor a boolean; ``3.0`` counts, as in JSON Schema."""
VersionNumber = Annotated[int, Field(ge=1, le=MAX_VERSION, strict=True), BeforeValidator(_without_point)]
"""The number of a version, with the rules of ``WholeNumber``."""
_DEPTH_LIMIT = 10


def is_storable_integer(value: int) -> bool:
    """Whether MongoDB can hold the integer."""
    return value in _INTEGERS


def _json_scalar(value: Any) -> Any:
    if isinstance(value, int) and not is_storable_integer(value):
        raise ValueError("must fit into 64 bits; send larger integers as text or with a decimal point")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number; send null for a missing value")
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError("must be text, a number, a boolean or null")


def _storable(value: Any, depth: int = 0) -> Any:
    if depth > _DEPTH_LIMIT:
        raise ValueError(f"must not be nested deeper than {_DEPTH_LIMIT} levels")
    if isinstance(value, dict):
        for name, inner in value.items():
            _without_nul(name)
            _storable(inner, depth + 1)
        return value
    if isinstance(value, list):
        for inner in value:
            _storable(inner, depth + 1)
        return value
    return _json_scalar(value)


JsonDocument = Annotated[dict[str, Any], AfterValidator(_storable)]
"""A JSON object whose values can be stored unchanged."""
JsonValue = Annotated[Any, AfterValidator(_storable)]
"""Any JSON value that can be stored unchanged."""


Scalar = Annotated[
    Any,
    GetPydanticSchema(
        lambda _source, _handler: core_schema.no_info_plain_validator_function(
            _json_scalar, serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value)
        ),
        lambda _schema, _handler: {"type": ["string", "number", "boolean", "null"]},
    ),
]
"""One cell: text, a number, a boolean or null, never converted."""
