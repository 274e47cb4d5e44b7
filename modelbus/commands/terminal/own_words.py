"""Errors of the gateway in the command line's own words: routes become commands, fields and queries become options.

The gateway speaks to clients of its HTTP API: ``upload it with POST /datasets``, ``?force=true``, ``exclude.0``. At a
terminal people type ``modelbus datasets upload``, ``--force`` and ``--exclude``. ``--json`` keeps the gateway's words.
"""

import copy
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from modelbus.commands.terminal.route_commands import command_of_route
from modelbus.shared.errors import ModelbusError

_OPTIONS: Final[Mapping[str, str]] = {
    "hyperparameters": "--set",
    "features": "--feature",
    "tags": "--tag",
    "cross_validation": "--folds",
    "calibration": "--calibrate",
    "threshold": "--tune-threshold",
    "evaluation": "--name",
    "slices": "--slice",
    "kinds": "--kind",
    "columns": "--column",
    "thresholds": "--threshold",
    "fractions": "--fraction",
    "rows": "--row",
    "has_probabilities": "--probabilities",
    "has_scores": "--scores",
    "row_limit": "--limit",
    "model": "REFERENCE",
    "name": "NAME",
    "id": "EVALUATIONS",
}
"""By field, the option or argument that says it, where that has another name. It only counts where a command has it."""
_RENAMED: Final = frozenset(_OPTIONS.values()) - {"--threshold"}
"""Options whose field has another name: ``--slice`` is of ``slices``, and ``slice`` is no field."""
_TUNING: Final[Mapping[str, str]] = {
    "method": "--search",
    "candidates": "--candidates",
    "max_models": "--candidates",
    "scoring": "--scoring",
    "time_budget_s": "--time-budget",
    "space": "--space",
}
"""The same for the fields of ``search`` and ``auto``."""
_SAID_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "search": (),
    "auto": (),
    "cross_validation": ("folds",),
    "calibration": ("method",),
    "threshold": ("scoring",),
    "best_threshold": ("metric",),
}
"""By field, those of its own fields that its option says; the others are in JSON only."""
_KEYED: Final = frozenset({"--set", "--tag", "--threshold", "--space"})
"""Options that take NAME=VALUE pairs; an error adds the name."""

_ROUTE: Final = re.compile(r"`?\b(GET|POST|PUT|PATCH|DELETE) (/[\w{}/.@*-]*[\w}*]|/)(?:\?[\w=.&]*)?(?![\w/{])`?")
_QUERY: Final = re.compile(r"`?(?<![\w/])\?([a-z_]+)=(true|false|[\w-]+|\.\.\.)?`?")
_CHOICE: Final = re.compile(r"\bgive (?:either )?`?([a-z_]+)`?(,| or|, or| and) `?([a-z_]+)`?\b")
_MEANT: Final = re.compile(r"did you mean `?([a-z_]+)`?\?")
_IDENTIFIER: Final = re.compile(r"(?<![\w.'\"-])`?\b([a-z]+(?:_[a-z]+)+)\b`?(?![(=.'\"]\w|['\"])")


@dataclass(frozen=True)
class CommandWords:
    """What a command calls its options and arguments; of no command, routes alone are said in other words."""

    options: Collection[str] = field(default_factory=frozenset)
    """Such as ``--exclude``."""
    arguments: Collection[str] = field(default_factory=frozenset)
    """Such as ``DATASET``."""

    @classmethod
    def of_arguments(cls, command: Any, arguments: Iterable[str]) -> "CommandWords":
        """The words of the command that a command line names.

        Args:
            command: The command line as a whole, as click has it.
            arguments: What was typed.
        """
        for argument in arguments:
            inner = getattr(command, "commands", {})
            command = inner.get(argument, command)
        parameters = command.params if not getattr(command, "commands", None) else []
        options = frozenset(name for one in parameters if one.param_type_name == "option" for name in one.opts)
        named = (one for one in parameters if one.param_type_name == "argument")
        return cls(options, frozenset((one.metavar or one.name).upper() for one in named))

    def of_field(self, where: str) -> str | None:
        """What a person types for a field of the API.

        Args:
            where: The field's place: ``exclude.0``, ``hyperparameters.alpha``, ``query.task``, ``rows.2.age``.

        Returns:
            The option or argument; for a field that only JSON has, ``--option`` and its place; None for a field that
            this command cannot say.
        """
        head, *rest = where.removeprefix("query.").split(".")
        if head == "rows" and rest:
            return _row_words(rest)
        if head in ("search", "auto") and rest and _TUNING.get(rest[0]) in self.options:
            return _with_key(_TUNING[rest[0]], rest[1:])
        if not rest or head not in _SAID_OF or rest[0] in _SAID_OF[head]:
            own = self._named(head)
            if own is not None:
                return _with_key(own, rest)
        if "--option" in self.options and not where.startswith("query."):
            return f"--option {where.removeprefix('options.')}"
        return None

    def _named(self, field_name: str) -> str | None:
        """The option or argument of a field."""
        typed = f"--{field_name.replace('_', '-')}"
        names = (_OPTIONS.get(field_name), None if typed in _RENAMED else typed, field_name.upper())
        return next((name for name in names if name in self.options or name in self.arguments), None)


def in_own_words(error: ModelbusError, words: CommandWords) -> ModelbusError:
    """The same error, said in options and commands.

    Args:
        error: What the gateway answered, or a job failed of.
        words: Of the command that was run.
    """
    places = {
        str(detail["where"]): words.of_field(str(detail["where"])) for detail in error.details if "where" in detail
    }
    own = copy.copy(error)
    own.message = sentence_in_own_words(_with_places(error.message, places), words)
    details = [_detail(detail, places, words) for detail in error.details]
    further = [_further(detail, own.message, is_alone=len(details) == 1) for detail in details]
    own.details = [detail for place, detail in enumerate(further) if detail and detail not in further[:place]]
    if any(str(place).startswith("--option ") for place in places.values()):
        own.message = _hint(own.message, words)
    own.args = (own.message,)
    return own


def sentence_in_own_words(sentence: str, words: CommandWords) -> str:
    """A sentence with commands for routes, and options for fields and queries."""
    sentence = _ROUTE.sub(_route, sentence)
    sentence = _QUERY.sub(_query(words), sentence)
    sentence = _CHOICE.sub(lambda found: _choice(found, words), sentence)
    return _IDENTIFIER.sub(lambda found: _identifier(found, words), sentence)


def _route(found: re.Match[str]) -> str:
    command = command_of_route(found[1], found[2])
    return found[0] if command is None else f"`{command}`"


def _query(words: CommandWords) -> Callable[[re.Match[str]], str]:
    def option(found: re.Match[str]) -> str:
        name = words.of_field(f"query.{found[1]}") or f"--{found[1].replace('_', '-')}"
        value = found[2]
        return name if value in (None, "true", "...") else f"{name} {value}"

    return option


def _choice(found: re.Match[str], words: CommandWords) -> str:
    """``give features or exclude``: both are fields, so both become options."""
    own = [_typed(name, words) for name in (found[1], found[3])]
    if None in own:
        return found[0]
    return found[0].replace(found[1], str(own[0]), 1).replace(found[3], str(own[1]), 1).replace("`", "")


def _identifier(found: re.Match[str], words: CommandWords) -> str:
    return _typed(found[1], words) or found[0]


def _typed(name: str, words: CommandWords) -> str | None:
    """What is typed for a field; None where the command has neither option nor argument for it."""
    own = words.of_field(name)
    return None if own is None or own.startswith("--option ") else own


def _with_places(message: str, places: Mapping[str, str | None]) -> str:
    """The message, in which places of fields stand before a colon, with the options for them."""
    for where, own in sorted(places.items(), key=lambda one: -len(one[0])):
        if where == "command":
            message = message.replace("command: ", "", 1)
        elif own is not None:
            message = re.sub(rf"(?<![\w.-]){re.escape(where)}(?=: )", own, message)
    return message


def _detail(detail: Mapping[str, Any], places: Mapping[str, str | None], words: CommandWords) -> dict[str, Any]:
    own = dict(detail)
    where = own.get("where")
    if where == "command":
        # the whole command: there is nothing to point at, and nothing to repeat
        own = {name: value for name, value in own.items() if name not in ("where", "given")}
    elif where is not None:
        own["where"] = places.get(str(where)) or where
    if isinstance(own.get("problem"), str):
        own["problem"] = sentence_in_own_words(own["problem"], words)
    return own


def _hint(sentence: str, words: CommandWords) -> str:
    """A field of ``--option`` that is misspelt may be an option of its own."""
    return _MEANT.sub(lambda found: f"did you mean {_typed(found[1], words) or found[1]}?", sentence)


def _further(detail: Mapping[str, Any], message: str, *, is_alone: bool) -> dict[str, Any]:
    """What a detail says beyond the message; nothing, if that is nothing."""
    own = dict(detail)
    if not own.get("problem") or str(own["problem"]) in message:
        own.pop("problem", None)
        own.pop("given", None)
        expected = own.get("expected")
        listed = expected if isinstance(expected, (list, tuple)) else [expected]
        if expected is None or all(str(one) in message for one in listed):
            own.pop("expected", None)
    elif is_alone:
        own.pop("given", None)
    return own if own.keys() & {"problem", "expected", "given"} else {}


def _row_words(rest: list[str]) -> str:
    place, *column = rest
    row = f"row {int(place) + 1}" if place.isdecimal() else "every row"
    return f"{row}, column {'.'.join(column)}" if column else row


def _with_key(name: str, rest: list[str]) -> str:
    """An option, with the name behind it where it takes pairs; numbers of list items are left out."""
    return f"{name} {rest[0]}" if name in _KEYED and rest else name
