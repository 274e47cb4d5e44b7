"""Which hyperparameters may be set, and to which values: scikit-learn's constraints, restricted by the service.

The rule for HTTP and queues alike: plain JSON values only. No callables, no paths, no objects, and nothing that
controls how the service computes.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.catalogue.constraints import (
    INFINITY,
    Schema,
    accepts,
    alternatives,
    distinguishes_integers,
    is_deprecated,
    json_default,
    refusal,
)
from modelbus.trainer.catalogue.documentation import parameter_descriptions
from modelbus.trainer.catalogue.schema_words import in_words

_ENCODED = "it refers to columns by their position after encoding, which users cannot know"
_FREE_FORM = "it passes arbitrary options to internal functions"

FORBIDDEN: Final[Mapping[str, str]] = {
    "random_state": "use `seed` of the training instead",
    "n_jobs": "the service controls the number of processes and threads",
    "verbose": "it only prints to the service's own output",
    "warm_start": "every fit starts from scratch, so that it is reproducible",
    "memory": "it is a path on the service's machine",
    "callbacks": "it accepts code",
    "copy": "it only affects memory inside the service",
    "copy_X": "it only affects memory inside the service",
    "copy_X_train": "it only affects memory inside the service",
    "copy_x": "it only affects memory inside the service",
    "compute_labels": "it only affects the training rows, which no response shows",
    "seeds": "it refers to encoded rows, which users cannot know",
    "metric_params": _FREE_FORM,
    "kernel_params": _FREE_FORM,
    "solver_options": _FREE_FORM,
    "monotonic_cst": _ENCODED,
    "interaction_cst": _ENCODED,
    "categorical_features": _ENCODED,
    "alpha_per_target": "a model has a single target",
    "n_targets": "a model has a single target",
    "use_legacy_attributes": "it only affects attributes that no response shows",
}
"""Hyperparameters that may never be set, each with the reason that the error gives."""

BOUNDS: Final[Mapping[str, float]] = {
    "n_estimators": 10_000,
    "max_iter": 10_000_000,
    "max_fun": 10_000_000,
    "max_iter_predict": 1_000_000,
    "max_trials": 1_000_000,
    "max_skips": 1_000_000,
    "max_subpopulation": 1_000_000,
    "n_restarts_optimizer": 1_000,
    "n_clusters": 10_000,
    "n_init": 1_000,
    "convergence_iter": 1_000_000,
    "hidden_layer_sizes": 10_000,
    "cache_size": 4_096,
    "max_n_alphas": 10_000,
    "alphas": 10_000,
    "Cs": 1_000,
    "cv": 100,
    "degree": 100,
}
"""The maximum of a hyperparameter, where larger numbers would only cost time or memory. In a list, such as
``hidden_layer_sizes``, it applies to each item; to ``alphas`` and ``Cs`` only where they are a count."""

_WITHOUT_LISTS = frozenset({"init", "preference"})
"""Clusterers also accept encoded rows here, or a number for each training row; users cannot know either."""

_LAYER_LIMIT = 100
_SHOWN_LENGTH = 200


@dataclass(frozen=True)
class Hyperparameter:
    """A constructor argument that users may set."""

    name: str
    constraints: list[Any] | None
    """As the library declares them; None if the alternatives are complete."""
    alternatives: list[Schema]
    """JSON Schemas of the values that are accepted."""
    schema: Schema
    """The published JSON Schema, with default and description."""


def settable(estimator_type: type, defaults: Mapping[str, Any]) -> tuple[dict[str, Hyperparameter], dict[str, str]]:
    """Sort an estimator's constructor arguments into those that may be set and those that may not.

    Args:
        estimator_type: The class.
        defaults: Its constructor arguments with their defaults.

    Returns:
        The settable arguments by name, and the reason for each of the others.
    """
    declared: Mapping[str, Any] = getattr(estimator_type, "_parameter_constraints", {})
    descriptions = parameter_descriptions(estimator_type)
    allowed, refused = {}, {}
    for name in sorted(defaults):
        constraints = declared.get(name, [])
        reason = _reason_against(name, constraints, defaults[name])
        if reason is not None:
            refused[name] = reason
            continue
        choices = bounded(name, _without_labels(name, constraints))
        schema = _published(choices, constraints, defaults[name], descriptions.get(name))
        allowed[name] = Hyperparameter(name, constraints, choices, schema)
    return allowed, refused


def check_hyperparameters(
    estimator: str, given: Mapping[str, Any], allowed: Mapping[str, Hyperparameter], refused: Mapping[str, str]
) -> dict[str, Any]:
    """Validate all hyperparameters of a command.

    Returns:
        The values for the constructor: as given, but with infinity as a float.

    Raises:
        InvalidCommand: With one detail for each invalid hyperparameter.
    """
    details, values = [], {}
    for name, value in given.items():
        if name not in allowed:
            details.append(_unknown(estimator, name, allowed, refused))
            continue
        values[name] = math.inf if _is_infinity(value, allowed[name]) else value
        problem = _problem(estimator, allowed[name], value, values[name])
        if problem:
            where = f"hyperparameters.{name}"
            expected = allowed[name].schema
            details.append({"where": where, "problem": problem, "expected": expected, "given": _shown(value)})
    if details:
        raise InvalidCommand("; ".join(str(detail["problem"]) for detail in details[:3]), details=details)
    return values


def _reason_against(name: str, constraints: Any, default: Any) -> str | None:
    if name in FORBIDDEN:
        return FORBIDDEN[name]
    if not isinstance(constraints, list):
        return "the library does not declare which values it accepts"
    if is_deprecated(constraints, default):
        return "it is deprecated in this release of scikit-learn"
    if all(choice == {"type": "null"} for choice in _without_labels(name, constraints)):
        return "it accepts an object or a function, not a plain value"
    return None


def _without_labels(name: str, constraints: list[Any]) -> list[Schema]:
    """The alternatives; values that refer to classes are given by label (see ``class_labels.py``)."""
    choices = alternatives(constraints)
    if name == "class_weight":
        weights = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}
        return [*choices, weights]
    if name in _WITHOUT_LISTS:
        return [choice for choice in choices if choice.get("type") != "array"]
    if name == "outlier_label" or (name == "constant" and {"type": "string"} in choices):
        return [{"type": kind} for kind in ("string", "number", "boolean", "null")]
    return choices


def bounded(name: str, choices: list[Schema]) -> list[Schema]:
    """The alternatives, limited by the service's own maximum."""
    bound = BOUNDS.get(name)
    if bound is None:
        return choices
    return [_within_bound(name, choice, bound) for choice in choices]


def _within_bound(name: str, choice: Schema, bound: float) -> Schema:
    if choice.get("type") in ("integer", "number"):
        return {**choice, "maximum": min(bound, choice.get("maximum", bound))}
    if name == "hidden_layer_sizes" and choice.get("type") == "array":
        layer = {"type": "integer", "minimum": 1, "maximum": bound}
        return {**choice, "items": {"anyOf": [layer]}, "maxItems": _LAYER_LIMIT}
    return choice


def _published(choices: list[Schema], constraints: list[Any], default: Any, description: str | None) -> Schema:
    schema: Schema = dict(choices[0]) if len(choices) == 1 else {"anyOf": choices}
    if distinguishes_integers(constraints):
        note = "Integers and reals mean different things here: 1 is not 1.0."
        description = f"{description} {note}" if description else note
    if description:
        schema["description"] = description
    is_shown, shown = json_default(constraints, default)
    if is_shown:
        schema["default"] = shown
    return schema


def _unknown(
    estimator: str, name: str, allowed: Mapping[str, Hyperparameter], refused: Mapping[str, str]
) -> dict[str, Any]:
    where = f"hyperparameters.{name}"
    if name in refused:
        return {"where": where, "problem": f"{name} cannot be set: {refused[name]}", "expected": sorted(allowed)}
    close = difflib.get_close_matches(name, allowed, n=3)
    hint = (
        f"; did you mean {' or '.join(close)}?" if close else f"; its hyperparameters: {', '.join(allowed) or 'none'}"
    )
    problem = f"{estimator} has no hyperparameter {name[:_SHOWN_LENGTH]!r}{hint}"
    return {"where": where, "problem": problem, "expected": sorted(allowed)}


def _is_infinity(value: Any, hyperparameter: Hyperparameter) -> bool:
    return value == INFINITY and {"const": INFINITY} in hyperparameter.alternatives


def _problem(estimator: str, hyperparameter: Hyperparameter, given: Any, value: Any) -> str | None:
    is_accepted = any(accepts(choice, given) for choice in hyperparameter.alternatives)
    name, constraints = hyperparameter.name, hyperparameter.constraints
    is_label = name in ("outlier_label", "constant")  # validated when the classes are known
    words = None if is_label or constraints is None else refusal(constraints, name, value, estimator)
    if is_accepted:
        return words
    bound = BOUNDS.get(name)
    if words is None and constraints is not None and bound is not None and _exceeds(given, bound):
        return f"{name} must be at most {bound:,} on this service, not {_shown(given)!r}"
    takes = " or ".join(dict.fromkeys(map(in_words, hyperparameter.alternatives)))
    return words or f"{name} of {estimator} must be {takes}, not {_shown(given)!r}"


def _exceeds(given: Any, bound: float) -> bool:
    numbers = given if isinstance(given, list) else [given]
    return any(isinstance(number, (int, float)) and number > bound for number in numbers)


def _shown(value: Any) -> Any:
    is_plain = value is None or isinstance(value, (bool, int, float))
    return value if is_plain else str(value)[:_SHOWN_LENGTH]
