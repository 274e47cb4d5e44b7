"""The check of a call's arguments: names and plain types, before anything is sent; the gateway checks their values."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Final, Union, Unpack, get_args, get_origin

from modelbus.client.client_errors import WrongArgument

_KINDS: Final[dict[Any, tuple[type, str]]] = {
    str: (str, "text"),
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    NoneType: (NoneType, "None"),
}
"""By annotation, what is accepted and its name; numbers of numpy are numbers."""
_SHOWN_LIMIT: Final = 80


class Checked:
    """A class whose public methods refuse unknown keywords, and values of a wrong type, with a ``WrongArgument``."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name, value in list(vars(cls).items()):
            if inspect.isfunction(value) and (name == "__init__" or not name.startswith("_")):
                setattr(cls, name, _checked(value))


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = _signature_of(function)
    called = function.__name__ if function.__name__ != "__init__" else function.__qualname__.split(".")[-2]
    kinds = {name: kind for name, one in signature.parameters.items() if (kind := _kind_of(one.annotation))}

    def check(args: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        unknown = [name for name in keywords if name not in signature.parameters]
        if unknown:
            raise _unknown(called, unknown[0], signature)
        for name, value in (*zip(signature.parameters, args, strict=False), *keywords.items()):
            if name in kinds and not _fits(value, kinds[name]):
                raise _wrong(called, name, value, kinds[name])

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        check(args, keywords)
        return function(*args, **keywords)

    @functools.wraps(function)
    async def call_later(*args: Any, **keywords: Any) -> Any:
        check(args, keywords)
        return await function(*args, **keywords)

    chosen: Any = call_later if inspect.iscoroutinefunction(function) else call
    chosen.__signature__ = signature
    return chosen  # type: ignore[no-any-return]  # one of the two


def _signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The signature with each option as a parameter of its own, as editors and ``help`` show it."""
    given = inspect.signature(function)
    parameters = []
    for parameter in given.parameters.values():
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            parameters.append(parameter)
        elif get_origin(parameter.annotation) is Unpack:
            (options,) = get_args(parameter.annotation)
            parameters += [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=..., annotation=kind.__forward_arg__)
                for name, kind in options.__annotations__.items()
            ]
    return given.replace(parameters=parameters)


def _kind_of(annotation: Any) -> tuple[Any, ...] | None:
    """The types that a parameter accepts; None where they are not plain ones."""
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return members if all(member in _KINDS for member in _hashable(members)) else None


def _hashable(members: Iterable[Any]) -> list[Any]:
    return [member if isinstance(member, type) else object for member in members]


def _fits(value: Any, kinds: tuple[Any, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    return any(isinstance(value, _KINDS[kind][0]) for kind in kinds)


def _wrong(method: str, name: str, value: Any, kinds: tuple[Any, ...]) -> WrongArgument:
    expected = " or ".join(_KINDS[kind][1] for kind in kinds)
    given = "None" if value is None else f"{value!r:.{_SHOWN_LIMIT}} ({type(value).__name__})"
    problem = f"must be {expected}, not {given}"
    return WrongArgument(f"{method}: {name} {problem}", details=[{"where": name, "problem": problem}])


def _unknown(method: str, name: str, signature: inspect.Signature) -> WrongArgument:
    known = [one for one in signature.parameters if one != "self"]
    near = get_close_matches(name.lower(), known, n=1)
    if near:
        hint = f"did you mean {near[0]}?"
    elif "hyperparameters" in known:
        hint = f"a hyperparameter of the estimator goes into hyperparameters={{{name!r}: ...}}"
    else:
        hint = f"its options are {', '.join(known)}" if known else "it has none"
    detail = {"where": name, "problem": "there is no such option", "expected": near or known}
    return WrongArgument(f"{method} has no option {name!r}; {hint}", details=[detail])
