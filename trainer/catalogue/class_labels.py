"""Hyperparameters that name classes: a command gives labels, the estimator needs class codes."""

from collections.abc import Mapping, Sequence
from typing import Any

from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.targets.labels import Label, spelling

_BY_LABEL = ("constant", "outlier_label")


def translate_class_labels(estimator: Any, hyperparameters: Mapping[str, Any], classes: Sequence[Label]) -> None:
    """Set ``class_weight``, ``constant`` and ``outlier_label`` of an unfitted classifier to class codes.

    Keys of ``class_weight`` are text, as JSON has them: ``{"true": 2}`` and ``{"1": 2}`` name the labels true and 1.

    Raises:
        InvalidCommand: A label does not occur in the training rows.
    """
    weights = hyperparameters.get("class_weight")
    if isinstance(weights, dict):
        by_code = weights_by_code(weights, classes, where="hyperparameters.class_weight")
        estimator.set_params(class_weight=by_code)
    for name in _BY_LABEL:
        label = hyperparameters.get(name)
        if label is None or (name == "outlier_label" and label == "most_frequent"):
            continue
        matching = [code for code, each in enumerate(classes) if each == label and _is_alike(each, label)]
        if not matching:
            known = [spelling(each) for each in classes]
            raise _unknown_labels(f"hyperparameters.{name}", [str(label)], known)
        estimator.set_params(**{name: matching[0]})


def weights_by_code(
    weights: Mapping[str, float], classes: Sequence[Label], *, where: str = "class_weight"
) -> dict[int, float]:
    """Translate weights by label to weights by class code; the weight of a class that is not named is 1.

    Every class gets a weight, because a fold may lack one of the named classes: scikit-learn would refuse its weight.

    Raises:
        InvalidCommand: A label does not occur in the training rows.
    """
    codes = {spelling(label): code for code, label in enumerate(classes)}
    unknown = sorted(key for key in weights if _folded(key, codes) is None)
    if unknown:
        raise _unknown_labels(where, unknown, list(codes))
    named = {codes[str(_folded(key, codes))]: value for key, value in weights.items()}
    return {code: named.get(code, 1.0) for code in range(len(classes))}


def _folded(key: str, codes: Mapping[str, int]) -> str | None:
    """Return the class that a key names: as JSON writes it or, for true and false, as Python does."""
    return next((spelt for spelt in (key, key.lower()) if spelt in codes), None)


def _is_alike(one: Label, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool)  # True == 1, but they are different labels


def _unknown_labels(where: str, unknown: Sequence[str], known: Sequence[str]) -> InvalidCommand:
    name, named = where.rpartition(".")[2], ", ".join(unknown[:5])
    problem = f"{name} names {named}, which the training rows do not contain; their classes: {', '.join(known[:20])}"
    return InvalidCommand(problem, details=[{"where": where, "problem": problem, "expected": list(known[:100])}])
