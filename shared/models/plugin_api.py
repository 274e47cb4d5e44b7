"""The interface for authors of plug-ins: how a package offers its own estimator to Modelbus.

A package declares an ``EstimatorPlugin`` in the entry-point group ``modelbus.estimators``; the name of the entry point
is the estimator's name in the catalogue. docs/plugins.md has complete examples. ``installed_plugins.py`` finds the
plug-ins that are installed.
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
        TypeError: A field has a value of the wrong type.
    """

    estimator_type: type[Any]
    """A subclass of ``sklearn.base.BaseEstimator`` with ``fit`` and ``predict`` that follows scikit-learn's
    conventions: a classifier has ``ClassifierMixin``, a regressor ``RegressorMixin``. It is fitted on float64 numbers
    without missing values, shape (n_rows, n_features), and a classifier on class codes 0, 1, ..., which ``predict``
    returns and which are the order of the columns of ``predict_proba``."""
    task: Task
    """The task of the estimator."""
    hyperparameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Constructor arguments that users may set, each with its JSON Schema: ``type`` (one), ``enum``, ``const``,
    ``anyOf``, ``minimum``, ``maximum``, ``exclusiveMinimum``, ``exclusiveMaximum``, ``items`` and ``maxItems`` of an
    array, ``additionalProperties`` of an object, ``default``, ``description``. Other keywords are refused. ``1.0`` is
    not an integer, and a boolean is not a number. ``random_state`` cannot be listed: the service sets it to the
    training's ``seed`` if the constructor has it."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Constructor arguments with fixed values, such as 1 for ``n_jobs``, which users cannot set. Loaded models predict
    with the same ``n_jobs``."""
    trusted_types: Mapping[str, str] = field(default_factory=dict)
    """Types that a fitted estimator contains besides itself, numbers, text, arrays and scikit-learn's estimators: by
    dotted name, the reason why they are safe to load from a file. They are trusted only in models of this plug-in."""
    description: str = ""
    """A sentence for ``GET /estimators``; by default, the first paragraph of the class's docstring."""
    libraries: tuple[str, ...] = ()
    """Distributions that fitted estimators depend on, such as ``lightgbm``. Their versions, and that of the plug-in's
    package, are recorded with each model, which can be loaded only with the same minor releases."""

    def __post_init__(self) -> None:
        for name in ("hyperparameters", "fixed", "trusted_types"):
            given = getattr(self, name)
            if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
                raise TypeError(f"{name} of an EstimatorPlugin must be a mapping with text keys, not {given!r}")
        if not isinstance(self.estimator_type, type):
            raise TypeError(f"estimator_type of an EstimatorPlugin must be a class, not {self.estimator_type!r}")
        if self.task not in get_args(Task):
            raise TypeError(f"task of an EstimatorPlugin must be {' or '.join(get_args(Task))}, not {self.task!r}")
        if not all(isinstance(why, str) and why for why in self.trusted_types.values()):
            raise TypeError("trusted_types of an EstimatorPlugin must give a reason for each type")
        if type(self.libraries) is not tuple or not all(isinstance(name, str) for name in self.libraries):
            raise TypeError(f"libraries of an EstimatorPlugin must be a tuple of names, not {self.libraries!r}")
        if not isinstance(self.description, str):
            raise TypeError(f"description of an EstimatorPlugin must be text, not {self.description!r}")
