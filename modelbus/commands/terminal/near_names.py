"""Names that are likely meant where a dataset, a model or an evaluation of the given name does not exist."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from modelbus.shared.errors import ModelbusError, NotFound, UnknownDataset, UnknownEvaluation, UnknownModel

if TYPE_CHECKING:
    from modelbus.client.synchronous.client import Client

_SHOWN: Final = 3
_ARGUMENTS: Final[Mapping[type[NotFound], tuple[str, tuple[str, ...]]]] = {
    UnknownDataset: ("dataset", ("dataset", "name")),
    UnknownModel: ("model", ("model", "reference", "name", "other")),
    UnknownEvaluation: ("evaluation", ("evaluation", "evaluations", "owner")),
}
"""By error: what does not exist, and the arguments of commands that name one."""


def with_near_names(error: NotFound, client: "Client", given: Mapping[str, Any]) -> NotFound:
    """The error with the names that are likely meant; the same error where these are not known.

    Args:
        error: What the gateway answered.
        client: Lists what exists.
        given: The command's arguments by their names.
    """
    kind = next((kind for kind in _ARGUMENTS if isinstance(error, kind)), None)
    if kind is None:
        return error
    noun, arguments = _ARGUMENTS[kind]
    try:
        known = _NAMES[noun](client)
    except ModelbusError:
        return error  # the key may not read; the first error says enough
    values = [given.get(argument) for argument in arguments]
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    named = [text.partition("@")[0] for text in texts if isinstance(text, str)]
    missing = next((name for name in named if name not in known), None)
    if missing is None:
        return error
    better = type(error)(f"{noun} {missing!r} does not exist; {_hint(noun, missing, known)}", details=error.details)
    better.correlation_id = error.correlation_id
    return better


def _hint(noun: str, missing: str, known: list[str]) -> str:
    folded = {name.casefold(): name for name in known}
    near = [folded[name] for name in get_close_matches(missing.casefold(), folded, n=_SHOWN)]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are no {noun}s yet" if not known else f"modelbus {noun}s list shows all {len(known)}"


_NAMES: Final[Mapping[str, Callable[["Client"], list[str]]]] = {
    "dataset": lambda client: [one.name for one in client.datasets.list()],
    "model": lambda client: [one.name for one in client.models.list()],
    "evaluation": lambda client: [one.id for one in client.evaluations.list()],
}
