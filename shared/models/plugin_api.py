"""The door for authors of plug-ins: how a package offers an estimator of its own to Modelbus.

A package names an ``EstimatorPlugin`` in the entry-point group ``modelbus.estimators``; the entry point's name is the
estimator's name in the catalogue. docs/plugins.md shows whole packages. Nothing here reads what is installed; that is
``installed_plugins.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

GROUP: Final = "modelbus.estimators"
"""The entry-point group that the services read."""

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class EstimatorPlugin:
    """An estimator that a package offers.

    Raises:
        TypeError: A field holds something else than it says.
    """

    estimator_type: type[Any]
    """A subclass of ``sklearn.base.BaseEstimator`` with ``fit`` and ``predict``, after scikit-learn's conventions. A
    classifier has ``ClassifierMixin``, a regressor ``RegressorMixin``, as its tags say. It is fitted on float64 numbers
    without gaps, shape (n_rows, n_features); a classifier on class codes 0, 1, ..., which ``predict`` answers and in
    whose order ``predict_proba`` has its columns."""
    task: Task
    """What it learns."""
    hyperparameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Constructor arguments that users may set, each with its JSON Schema: ``type`` (one), ``enum``, ``const``,
    ``anyOf``, ``minimum``, ``maximum``, ``exclusiveMinimum``, ``exclusiveMaximum``, ``items`` and ``maxItems`` of an
    array, ``additionalProperties`` of an object, ``default``, ``description``. Other keywords are refused. An integer
    is not ``1.0``, a boolean no number. ``random_state`` is not among them: the service sets it to the command's
    ``seed`` wherever the constructor has it."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Constructor arguments that are always the same, such as ``n_jobs`` of 1: users may not set them. The value of
    ``n_jobs`` is also what a loaded model predicts with."""
    trusted_types: Mapping[str, str] = field(default_factory=dict)
    """Types that a fitted estimator holds beside itself, numbers, text, arrays and scikit-learn's estimators: by dotted
    name, why it is safe to build one from a file. They are trusted in models of this plug-in only."""
    description: str = ""
    """One sentence for ``GET /estimators``; without it, the first paragraph of the class's docstring."""
    libraries: tuple[str, ...] = ()
    """Distributions that fitted estimators depend on, such as ``lightgbm``. Their versions, and that of the package
    which has the entry point, are recorded with each model; it loads under the same minor releases only."""

    def __post_init__(self) -> None:
        for name in ("hyperparameters", "fixed", "trusted_types"):
            given = getattr(self, name)
            if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
                raise TypeError(f"{name} of an EstimatorPlugin is a mapping by name, not {given!r}")
        if not isinstance(self.estimator_type, type):
            raise TypeError(f"estimator_type of an EstimatorPlugin is a class, not {self.estimator_type!r}")
        if self.task not in get_args(Task):
            raise TypeError(f"task of an EstimatorPlugin is {' or '.join(get_args(Task))}, not {self.task!r}")
        if not all(isinstance(why, str) and why for why in self.trusted_types.values()):
            raise TypeError("trusted_types of an EstimatorPlugin says for each type why it is safe")
        if type(self.libraries) is not tuple or not all(isinstance(name, str) for name in self.libraries):
            raise TypeError(f"libraries of an EstimatorPlugin is a tuple of names, not {self.libraries!r}")
        if not isinstance(self.description, str):
            raise TypeError(f"description of an EstimatorPlugin is text, not {self.description!r}")
