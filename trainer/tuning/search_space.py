"""The space of a search: which hyperparameters vary, their places in a specification, and whether they are valid.

A key is a hyperparameter of the estimator, or of one inside of it: ``estimator__C``, or ``<member's name>__C`` for one
of a vote or a stack, as scikit-learn has it. A hyperparameter that takes estimators may be varied itself.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from modelbus.shared.contracts.commands.tuning import Dimension
from modelbus.shared.errors import InvalidCommand, ModelbusError
from modelbus.trainer.catalogue.entries import find_estimator
from modelbus.trainer.catalogue.making import member_names

Hyperparameters = dict[str, Any]
Space = Mapping[str, Dimension]


def candidate(hyperparameters: Mapping[str, Any], estimator_name: str, chosen: Mapping[str, Any]) -> Hyperparameters:
    """The hyperparameters of a candidate.

    Args:
        hyperparameters: Those of all candidates.
        estimator_name: The estimator.
        chosen: By key of the space, the value.

    Raises:
        InvalidCommand: A key names an estimator inside that is not there.
    """
    made = copy.deepcopy(dict(hyperparameters))
    # those that are estimators first: others may be about what is inside of them
    for key in sorted(chosen, key=lambda one: one.count("__")):
        inner, _, name = _placed(made, estimator_name, key)
        inner[name] = copy.deepcopy(chosen[key])
    return made


def draw(dimension: Dimension, random: np.random.Generator) -> Any:
    """One value of a dimension, as JSON has it: an integer is an integer, and a real number is none."""
    if dimension.values is not None:
        return dimension.values[int(random.integers(len(dimension.values)))]
    low, high = dimension.ends
    if dimension.distribution == "normal":
        return _normal(dimension, low, high, random)
    if dimension.is_logarithmic:
        # of integers each has the stretch around it, so that the ends are as likely as their neighbours
        margin = 0.5 if dimension.is_integer else 0.0
        number = float(np.exp(random.uniform(np.log(low - margin), np.log(high + margin))))
        return int(np.clip(round(number), low, high)) if dimension.is_integer else min(max(number, low), float(high))
    if dimension.is_integer:
        step = dimension.step or 1
        return int(low) + step * int(random.integers((int(high) - int(low)) // step + 1))
    return float(random.uniform(low, high))


def _normal(dimension: Dimension, low: float, high: float, random: np.random.Generator) -> float:
    assert dimension.mean is not None
    assert dimension.standard_deviation is not None  # a normal distribution has both
    for _ in range(100):
        number = float(random.normal(dimension.mean, dimension.standard_deviation))
        if low <= number <= high:
            return number
    return float(random.uniform(low, high))  # nearly all of the distribution is outside


def probes(dimension: Dimension) -> Iterator[tuple[str, Any]]:
    """What to check of a dimension: its place, and the value. All values, or both ends."""
    if dimension.values is not None:
        yield from ((f"values.{index}", value) for index, value in enumerate(dimension.values))
        return
    for name, end in zip(("low", "high"), dimension.ends, strict=True):
        yield name, end if dimension.is_integer else float(end)


def check_space(
    space: Space, hyperparameters: Mapping[str, Any], estimator_name: str, make: Callable[[Hyperparameters], Any]
) -> Any:
    """Validate every value, and both bounds of each distribution, like a plain hyperparameter.

    Args:
        space: The space.
        hyperparameters: Those of all candidates.
        estimator_name: The estimator.
        make: Makes an estimator of hyperparameters, or raises ``InvalidCommand``.

    Returns:
        The first candidate, unfitted.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: One detail for each value at fault, by its place in the space.
    """
    first = {key: next(probes(dimension))[1] for key, dimension in space.items()}
    details: list[dict[str, Any]] = []
    for key, dimension in space.items():
        for place, value in probes(dimension):
            try:
                make(candidate(hyperparameters, estimator_name, {**first, key: value}))
            except InvalidCommand as error:
                _note(error, key, place, space, hyperparameters, estimator_name, details)
    if details:
        raise InvalidCommand("; ".join(str(one["problem"]) for one in details[:3]), details=details[:100])
    return make(candidate(hyperparameters, estimator_name, first))


def _note(
    error: ModelbusError,
    key: str,
    place: str,
    space: Space,
    hyperparameters: Mapping[str, Any],
    estimator_name: str,
    details: list[dict[str, Any]],
) -> None:
    """Keep the details of an error about one value, and those about the plain hyperparameters; once each."""
    for detail in error.details:
        where = str(detail["where"])
        whose = next((one for one in space if _is_at(where, one, hyperparameters, estimator_name)), None)
        if whose not in (key, None):
            continue  # reported when that one has its turn
        is_plain = whose is None and where != "hyperparameters" and not where.startswith("search")
        moved = where if is_plain or where.startswith("search") else f"search.space.{key}.{place}"
        noted = {**detail, "where": moved}
        if noted not in details:
            details.append(noted)


def _is_at(where: str, key: str, hyperparameters: Mapping[str, Any], estimator_name: str) -> bool:
    try:
        _, place, name = _placed(copy.deepcopy(dict(hyperparameters)), estimator_name, key)
    except InvalidCommand:
        return False
    full = f"{place}.{name}"
    return where == full or where.startswith(f"{full}.")


def _placed(hyperparameters: Hyperparameters, estimator_name: str, key: str) -> tuple[Hyperparameters, str, str]:
    """The place of a key: the hyperparameters that hold it, their place in the command, and its name in them."""
    inner, place, name, rest = hyperparameters, "hyperparameters", estimator_name, key
    while "__" in rest:
        head, _, rest = rest.partition("__")
        found = _inside(inner, name, head)
        if found is None:
            problem = f"{name} has no inner estimator {head!r} with a hyperparameter {key}"
            expected = sorted(_names_inside(inner, name))
            raise InvalidCommand(
                problem, details=[{"where": f"search.space.{key}", "problem": problem, "expected": expected}]
            )
        specification, step = found
        name, place = specification["estimator"], f"{place}.{step}.hyperparameters"
        inner = specification.setdefault("hyperparameters", {})
    return inner, place, rest


def _inside(hyperparameters: Hyperparameters, estimator_name: str, head: str) -> tuple[dict[str, Any], str] | None:
    """The specification of an estimator inside, and its place; None if there is none."""
    members = _members(hyperparameters, estimator_name)
    return next(((one, place) for name, one, place in members if name == head), None)


def _names_inside(hyperparameters: Hyperparameters, estimator_name: str) -> list[str]:
    return [name for name, _, _ in _members(hyperparameters, estimator_name)]


def _members(hyperparameters: Hyperparameters, estimator_name: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The estimators inside: name, specification and place of each that is well formed."""
    for parameter, nesting in find_estimator(estimator_name).nested.items():
        given = hyperparameters.get(parameter)
        if nesting.is_list and isinstance(given, list):
            for position, (name, one) in enumerate(zip(member_names(given), given, strict=True)):
                if _is_specification(one):
                    yield name, one, f"{parameter}.{position}"
        elif _is_specification(given):
            assert isinstance(given, dict)
            yield parameter, given, parameter


def _is_specification(given: Any) -> bool:
    if not isinstance(given, dict) or not isinstance(given.get("estimator"), str):
        return False
    return isinstance(given.get("hyperparameters", {}), dict)
