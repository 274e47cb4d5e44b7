"""Translates pydantic's errors into plain sentences: where, as the sender wrote it, what is wrong, what would be right.

Pydantic addresses the author of the model ("Extra inputs are not permitted", a bare regular expression, the label of a
union's member). The sender of a document knows its fields but not the models.
"""

import re
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeGuard, Union, get_args, get_origin

import orjson
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from modelbus.shared.contracts.base import PATTERN_WORDS, is_storable_integer
from modelbus.shared.contracts.near_names import hint, near_names
from modelbus.shared.plural import counted

FAULT_LIMIT: Final = 100
"""The maximum number of faults in an error."""
_PROBLEM_LIMIT: Final = 500
_SHOWN_LIMIT: Final = 200
"""The maximum number of characters of a given value that an error quotes."""
_QUOTED_LIMIT: Final = 50
"""The same within a sentence."""
_NAMES_LIMIT: Final = 40
_OPTION: Final = re.compile(r"""'[^']*'|"[^"]*"|(?<![\w'])[\w.-]+(?![\w'])""")
_KEY: Final = "[key]"
"""The last part of pydantic's location if the key of a mapping is at fault, not its value."""

Fault = Mapping[str, Any]
"""An item of ``ValidationError.errors()``."""


def details_of(error: ValidationError, kind: Any = None) -> list[dict[str, Any]]:
    """One detail for each fault: where, the problem, the given value and, if it can be named, the expected one.

    Args:
        error: The error of pydantic.
        kind: The validated type: a model, or a union of models. Without it, misspelt names get no suggestion.
    """
    placed = [_placed(fault, kind) for fault in error.errors(include_url=False)[:FAULT_LIMIT]]
    return [_detail(group) for group in _groups(placed)]


def type_name(value: Any) -> str:
    """The type of a JSON value in a word: text, number, list, object, true, false or null."""
    if value is None or isinstance(value, bool):
        return str(orjson.dumps(value), "ascii")
    return next((word for kinds, word in _JSON_TYPES if isinstance(value, kinds)), type(value).__name__)


_JSON_TYPES: Final[tuple[tuple[Any, str], ...]] = (
    (str, "text"),
    ((int, float), "number"),
    ((list, tuple), "list"),
    (dict, "object"),
)
_WITH_ARTICLE: Final = {"number": "a number", "list": "a list", "object": "an object"}


@dataclass(frozen=True)
class _Placed:
    """A fault and its place in the sender's document."""

    fault: Fault
    path: tuple[str, ...]
    names: tuple[str, ...]
    """The known fields at the place of an unknown one."""
    union: tuple[str, ...] | None
    """The place of the union, if the fault concerns one of its members."""
    is_whole: bool
    """Whether the value as a whole is not of that kind."""


def _placed(fault: Fault, kind: Any) -> _Placed:
    walk = _Walk(kind)
    union: tuple[str, ...] | None = None
    is_whole = False
    for part in fault["loc"]:
        is_label = walk.step(part)
        is_whole = is_label
        if is_label:
            union = tuple(walk.path)
    return _Placed(fault, tuple(walk.path), tuple(walk.names), union, is_whole)


class _Walk:
    """Follows the location of a fault through a type, and leaves out the parts that only pydantic knows."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._tag: str | None = None
        self.path: list[str] = []
        self.names: list[str] = []
        self._open(kind)

    def step(self, part: Any) -> bool:
        """Take one step; returns whether the part named a member of a union and is not part of the document."""
        members = _members(self._kind)
        if len(members) > 1:
            return self._choose(part, members)
        if part != _KEY:
            self.path.append(str(part))
        kind = members[0] if members else None
        self.names = []
        if _is_model(kind):
            self.names = _names_of(kind)
            field = _field_of(kind, str(part))
            self._open(None if field is None else _annotation_of(field))
        else:
            items = get_args(kind)
            self._open(items[-1] if items and get_origin(kind) in (list, dict, tuple, set, frozenset) else None)
        return False

    def _open(self, kind: Any) -> None:
        self._kind, self._tag = _bare(kind)

    def _choose(self, part: Any, members: Sequence[Any]) -> bool:
        tag = self._tag
        chosen = [member for member in members if _is_meant(member, str(part), tag)]
        self._open(chosen[0] if chosen else None)
        return tag is None


def _bare(kind: Any) -> tuple[Any, str | None]:
    """A type without its annotations, and its discriminator."""
    tag: str | None = None
    while get_origin(kind) is Annotated:
        kind, *notes = get_args(kind)
        found = next((note.discriminator for note in notes if isinstance(note, FieldInfo) and note.discriminator), None)
        tag = found if isinstance(found, str) else tag
    return kind, tag


def _members(kind: Any) -> list[Any]:
    """The members of a union without null; of any other type, the type itself."""
    if get_origin(kind) in (Union, types.UnionType):
        return [member for member in get_args(kind) if member is not types.NoneType]
    return [] if kind is None else [kind]


def _annotation_of(field: FieldInfo) -> Any:
    return Annotated[field.annotation, field] if field.discriminator else field.annotation


def _is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _names_of(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _field_of(model: type[BaseModel], name: str) -> FieldInfo | None:
    return next((field for own, field in model.model_fields.items() if name in (own, field.alias)), None)


def _is_meant(member: Any, label: str, tag: str | None) -> bool:
    """Whether a part of a location names this member of a union, by its tag or by pydantic's label."""
    kind, _ = _bare(member)
    if tag is not None:
        return _is_model(kind) and label in get_args(kind.model_fields[tag].annotation)
    name = (get_origin(kind) or kind).__name__.lower() if kind is not Any else "any"
    return label.lower().startswith(name)


def _groups(placed: Sequence[_Placed]) -> Iterator[list[_Placed]]:
    """Group the faults by detail: the faults of a value that matches no member of a union form one group."""
    told: set[tuple[str, ...]] = set()
    for one in placed:
        if one.union is None:
            yield [one]
            continue
        same = [other for other in placed if other.union == one.union]
        inner = [other for other in same if not other.is_whole]
        if inner:
            # the value matches one member, except for something inside
            if one in inner:
                yield [one]
        elif one.union not in told:
            told.add(one.union)
            yield same


def _detail(group: Sequence[_Placed]) -> dict[str, Any]:
    first = group[0]
    fault = first.fault
    problems = list(dict.fromkeys(_problem(one) for one in group))
    kinds = [problem.removeprefix("must be ") for problem in problems]
    problem = f"must be {' or '.join(kinds)}" if len(problems) > 1 else problems[0]
    detail: dict[str, Any] = {"where": ".".join(first.path)[:_SHOWN_LIMIT], "problem": problem[:_PROBLEM_LIMIT]}
    detail["where"] = detail["where"] or "command"
    expected = _expected(first) if len(group) == 1 else None
    if expected:
        detail["expected"] = expected
    return detail if fault["type"] in ("missing", "union_tag_not_found") else {**detail, "given": _shown(fault)}


def _shown(fault: Fault) -> Any:
    given = fault.get("input")
    if fault["type"] == "union_tag_invalid":
        given = fault["ctx"]["tag"]
    shown = given if isinstance(given, (str, int, float, bool)) or given is None else type_name(given)
    if isinstance(shown, int) and not is_storable_integer(shown):
        shown = str(shown)
    return shown[:_SHOWN_LIMIT].encode("utf-8", "backslashreplace").decode() if isinstance(shown, str) else shown


def _expected(placed: _Placed) -> Any:
    """The expected value, if it is one of some names: the nearest one, or all of them."""
    known = _choices(placed)
    near = _near(_unknown(placed), known)
    return near or list(known)[:_NAMES_LIMIT] or None


def _choices(placed: _Placed) -> Sequence[str]:
    fault = placed.fault
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return placed.names
    if kind in ("literal_error", "enum"):
        return _quoted(str(context.get("expected", "")))
    return _quoted(str(context.get("expected_tags", ""))) if kind == "union_tag_invalid" else ()


def _unknown(placed: _Placed) -> Any:
    fault = placed.fault
    if fault["type"] == "extra_forbidden":
        return fault["loc"][-1]
    return fault["ctx"]["tag"] if fault["type"] == "union_tag_invalid" else fault.get("input")


def _near(given: Any, known: Collection[str]) -> str | None:
    if not isinstance(given, str):
        return None
    return next(iter(near_names(given, known)), None)


def _quoted(text: str) -> list[str]:
    """The options in pydantic's list: ``'a', 'b' or 3``."""
    return [word.strip("'\"") for word in _OPTION.findall(text) if word != "or"]


def _hint(placed: _Placed) -> str:
    given = _unknown(placed)
    found = hint(given if isinstance(given, str) else "", _choices(placed), _NAMES_LIMIT)
    return f"; {found}" if found else ""


def _problem(placed: _Placed) -> str:
    fault = placed.fault
    context = fault.get("ctx", {})
    say = _SENTENCES.get(fault["type"])
    problem = say(placed, context) if say else _reworded(str(fault["msg"]))
    return f"as a key {problem}" if fault["loc"] and fault["loc"][-1] == _KEY else problem


def _reworded(message: str) -> str:
    """Pydantic's message for a fault without a sentence here, without the words that only pydantic uses."""
    plain = re.sub(r"^(Value error|Assertion failed), ", "", message)
    if plain != message:
        return plain
    return re.sub(r"^(JSON input|Input|Value|Data|String|List|Dictionary|\w* ?input) should", "must", plain)


def _tag_of(fault: Fault) -> str:
    return str(fault.get("ctx", {}).get("discriminator", "kind")).strip("'")


def _with_given(words: str) -> Callable[[_Placed, Mapping[str, Any]], str]:
    """A sentence with the expected kind of value and the given one."""
    return lambda placed, _context: f"must be {words}, not {_kind_given(placed.fault.get('input'))}"


def _kind_given(given: Any) -> str:
    if isinstance(given, str):
        return repr(given[:_QUOTED_LIMIT])
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return f"{given:g}" if isinstance(given, float) else str(given)[:_QUOTED_LIMIT]
    name = type_name(given)
    return _WITH_ARTICLE.get(name, name)


def _text_length(placed: _Placed, context: Mapping[str, Any]) -> str:
    given = placed.fault.get("input")
    return _length(context, "character", len(given) if isinstance(given, (str, bytes)) else None)


def _count(_placed: _Placed, context: Mapping[str, Any]) -> str:
    return _length(context, "item", context.get("actual_length"))


def _length(context: Mapping[str, Any], unit: str, actual: Any) -> str:
    which, limit = (
        ("at most", context["max_length"]) if "max_length" in context else ("at least", context["min_length"])
    )
    has = "" if actual is None else f", not {actual}"
    return f"must have {which} {counted(limit, unit)}{has}"


def _pattern(_placed: _Placed, context: Mapping[str, Any]) -> str:
    return PATTERN_WORDS.get(context.get("pattern", ""), "does not have the required format")


def _options(placed: _Placed, _context: Mapping[str, Any]) -> str:
    known = _choices(placed)
    near = _near(placed.fault.get("input"), known)
    words = known[0] if len(known) == 1 else f"one of {', '.join(known)}"
    return f"must be {words}{f'; did you mean {near}?' if near else ''}"


def _bound(words: str, key: str) -> Callable[[_Placed, Mapping[str, Any]], str]:
    def say(placed: _Placed, context: Mapping[str, Any]) -> str:
        # a number, even if it came as text: a query string has only text
        given = placed.fault.get("input")
        shown = given[:_QUOTED_LIMIT] if isinstance(given, str) else _kind_given(given)
        return f"must be {words.format(_kind_given(context.get(key)))}, not {shown}"

    return say


_WHOLE: Final = _with_given("a whole number")
_NUMBER: Final = _with_given("a number")
_FLAG: Final = _with_given("true or false")
_TEXT: Final = _with_given("text")
_LIST: Final = _with_given("a list")
_OBJECT: Final = _with_given("an object")
_TIME: Final = _with_given("a time in ISO 8601, such as 2026-01-31T12:00:00Z")

_SENTENCES: Final[Mapping[str, Callable[[_Placed, Mapping[str, Any]], str]]] = {
    "missing": lambda _placed, _context: "is required",
    "extra_forbidden": lambda placed, _context: f"unknown field{_hint(placed)}",
    "none_required": _with_given("null"),
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "string_unicode": lambda _placed, _context: "must be valid Unicode text in UTF-8",
    "string_too_short": _text_length,
    "string_too_long": _text_length,
    "bytes_too_short": _text_length,
    "bytes_too_long": _text_length,
    "string_pattern_mismatch": _pattern,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": lambda _placed, _context: "must be a whole number that fits into 64 bits",
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": lambda _placed, _context: "must be a finite number, not infinity or NaN",
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "greater_than": _bound("more than {}", "gt"),
    "greater_than_equal": _bound("at least {}", "ge"),
    "less_than": _bound("less than {}", "lt"),
    "less_than_equal": _bound("at most {}", "le"),
    "multiple_of": _bound("a multiple of {}", "multiple_of"),
    "literal_error": _options,
    "enum": _options,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "iterable_type": _LIST,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "too_short": _count,
    "too_long": _count,
    "union_tag_invalid": lambda placed, context: (
        f"unknown {_tag_of(placed.fault)} {str(context.get('tag'))[:_SHOWN_LIMIT]!r}{_hint(placed)}"
    ),
    "union_tag_not_found": lambda placed, _context: (
        f"requires the field {_tag_of(placed.fault)}" if placed.path else "is required"
    ),
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": lambda _placed, _context: "must have a time zone, such as Z",
    "uuid_type": _with_given("a UUID"),
    "uuid_parsing": _with_given("a UUID"),
}
"""By pydantic's type of error; the messages of our own validators (``value_error``) are sentences already."""
