"""The options of tuning: hyperparameter search, choice of an estimator, calibration and threshold."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    Field,
    PlainValidator,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from modelbus.shared.contracts.base import (
    MAX_INTEGER,
    SPACE_KEY_PATTERN,
    Contract,
    JsonValue,
    WholeNumber,
    is_storable_integer,
)
from modelbus.shared.contracts.metric_names import SearchedThresholdMetric
from modelbus.shared.plural import agreeing

AUTO: Final = "auto"
"""The estimator's name if the service is to choose one."""
CANDIDATE_LIMIT: Final = 1000
"""The maximum number of candidates of a search."""
VALUE_LIMIT: Final = 200
"""The maximum number of values of a hyperparameter."""


def _number(value: Any) -> Any:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("must be a number")
    if type(value) is int and not is_storable_integer(value):
        raise ValueError("must fit into 64 bits")
    return value


Number = Annotated[Any, PlainValidator(_number, json_schema_input_type=float)]
"""A number that keeps its type: 1 is an integer, 1.0 a real number."""
MetricName = Annotated[str, Field(max_length=100)]
EstimatorName = Annotated[str, Field(max_length=100)]
SpaceKey = Annotated[str, StringConstraints(strict=True, pattern=SPACE_KEY_PATTERN)]
DistributionName = Literal["uniform", "log_uniform", "int_uniform", "int_log_uniform", "normal"]
StoppingReason = Literal["cancelled", "time_budget"]


class Folds(Contract):
    """The folds of the training rows for out-of-fold predictions."""

    folds: int = Field(5, ge=2, le=20)
    """The number of folds."""


class SearchValidation(Contract):
    """The rows on which candidates are scored: folds of the training rows, never the hold-out."""

    folds: int | None = Field(None, ge=2, le=20)
    """The number of folds; each is scored by a fit on the others. Default: 5, unless `fraction` is given."""
    fraction: float | None = Field(None, gt=0, lt=1)
    """Score on a single fold with this fraction of the rows instead, which needs one fit per candidate."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.folds is not None and self.fraction is not None:
            raise ValueError("give either folds or fraction")
        return self

    @property
    def fold_count(self) -> int | None:
        """The number of folds; None if a fraction is used."""
        return None if self.fraction is not None else self.folds or 5


class Dimension(Contract):
    """The search space of one hyperparameter: a list of values or a distribution."""

    values: list[JsonValue] | None = Field(None, min_length=1, max_length=VALUE_LIMIT)
    """The values to try."""
    distribution: DistributionName | None = None
    """The distribution to draw from: `uniform` and `log_uniform` give real numbers, `int_uniform` and `int_log_uniform`
    integers, and `normal` real numbers between `low` and `high`."""
    low: Number | None = None
    """The minimum."""
    high: Number | None = None
    """The maximum."""
    step: WholeNumber | None = None
    """For `int_uniform`: the step between numbers, starting at `low`."""
    mean: float | None = Field(None, allow_inf_nan=False)
    """For `normal`: the mean."""
    standard_deviation: float | None = Field(None, gt=0, allow_inf_nan=False)
    """For `normal`: the standard deviation."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.values is None) == (self.distribution is None):
            raise ValueError('give {"values": [...]} or {"distribution": ..., "low": ..., "high": ...}')
        needed = {"values"} if self.distribution is None else {"distribution", "low", "high"}
        if self.distribution == "normal":
            needed |= {"mean", "standard_deviation"}
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        allowed = needed | ({"step"} if self.distribution == "int_uniform" else set())
        kind = self.distribution or "values"
        if needed - given:
            raise ValueError(f"{kind} requires {', '.join(sorted(needed - given))}")
        if given - allowed:
            raise ValueError(f"{kind} does not support {', '.join(sorted(given - allowed))}")
        if self.distribution is not None:
            self._check_ends(*self.ends)
        return self

    def _check_ends(self, low: float, high: float) -> None:
        if low >= high:
            raise ValueError(f"low must be less than high, not {low:g} and {high:g}")
        if self.is_integer and not (type(low) is int and type(high) is int):
            raise ValueError(f"low and high must be integers for {self.distribution}")
        if self.is_logarithmic and low <= 0:
            raise ValueError(f"low must be greater than 0 for {self.distribution}, not {low:g}")

    @property
    def ends(self) -> tuple[float, float]:
        """The minimum and the maximum of a distribution."""
        assert self.low is not None
        assert self.high is not None  # a distribution has both
        return self.low, self.high

    @property
    def is_integer(self) -> bool:
        """Whether the distribution gives integers."""
        return self.distribution in ("int_uniform", "int_log_uniform")

    @property
    def is_logarithmic(self) -> bool:
        """Whether the distribution is logarithmic."""
        return self.distribution in ("log_uniform", "int_log_uniform")

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said: dict[str, Any] = handler(self)
        return {name: value for name, value in said.items() if value is not None}


Space = Annotated[dict[SpaceKey, Dimension], Field(min_length=1, max_length=50)]


class Search(Contract):
    """A hyperparameter search: it tries candidates and keeps the best. The given hyperparameters apply to all
    candidates.
    """

    method: Literal["grid", "random", "halving", "tpe"]
    """`grid` tries all combinations of values; `random` samples candidates; `halving` samples candidates and, round by
    round, gives more rows to the best of them; `tpe` samples near good candidates (requires the extra: `pip install
    'modelbus[tune]'`)."""
    space: Space
    """The search space by hyperparameter. Nested hyperparameters are named `estimator__C` or `<member's name>__C`."""
    candidates: int | None = Field(None, ge=1, le=CANDIDATE_LIMIT)
    """The number of candidates to sample; default: 20. Not for `grid`, which tries all combinations."""
    cross_validation: SearchValidation = SearchValidation()
    """The training rows on which candidates are scored."""
    scoring: MetricName | None = None
    """The metric to optimise. Default: `balanced_accuracy`, `r2` or `silhouette`."""
    time_budget_s: float | None = Field(None, gt=0, allow_inf_nan=False)
    """The time budget in seconds. After it, no further fit starts and the best candidate so far is kept."""
    min_resource_rows: int | None = Field(None, ge=10, le=MAX_INTEGER)
    """For `halving`: the minimum number of rows in the first round. Default: 100."""
    factor: int = Field(3, ge=2, le=10)
    """For `halving`: each round keeps one `factor`-th of the candidates and multiplies the rows by `factor`."""
    keep_best_on_cancel: bool = False
    """Whether a cancelled search keeps the best candidate so far instead of no version."""

    @model_validator(mode="after")
    def _fits_its_method(self) -> Self:
        if self.method != "halving" and (self.min_resource_rows is not None or self.factor != 3):
            raise ValueError("min_resource_rows and factor require method halving")
        if self.method == "grid":
            self._check_grid()
        return self

    def _check_grid(self) -> None:
        drawn = sorted(name for name, dimension in self.space.items() if dimension.values is None)
        if drawn:
            raise ValueError(
                f"method grid supports values only; use method random or tpe for the "
                f"{agreeing(len(drawn), 'distribution', 'distributions')} of {', '.join(drawn)}"
            )
        if self.candidates is not None:
            raise ValueError("candidates is not supported by method grid, which tries all combinations")
        if self.grid_size > CANDIDATE_LIMIT:
            raise ValueError(
                f"the grid has {self.grid_size:,} candidates and the limit is {CANDIDATE_LIMIT:,}; "
                "give fewer values, or use method random with candidates"
            )

    @property
    def grid_size(self) -> int:
        """The number of combinations; a distribution counts once."""
        size = 1
        for dimension in self.space.values():
            size *= len(dimension.values or [None])
        return size


class Auto(Contract):
    """Automatic choice of an estimator: from a portfolio by task and data, then tuned, then combined if that helps."""

    time_budget_s: float = Field(60.0, gt=0, allow_inf_nan=False)
    """The time budget in seconds for the choice, the final fit on all training rows and its evaluation. A fit that is
    not expected to end in time is not started, and one that overruns is stopped."""
    max_models: int | None = Field(None, ge=1, le=CANDIDATE_LIMIT)
    """The maximum number of candidates, in addition to the baseline. With enough time, the same seed then gives the
    same model."""
    scoring: MetricName | None = None
    """The metric to optimise. Default: `balanced_accuracy` or `r2`."""
    include: list[EstimatorName] | None = Field(None, min_length=1, max_length=100)
    """Try only these estimators of the portfolio."""
    exclude: list[EstimatorName] = Field([], max_length=100)
    """Do not try these estimators of the portfolio."""
    has_ensemble: bool = True
    """Whether to combine the best candidates into an ensemble: if it is better by more than chance or, with few rows,
    unless a single candidate is."""
    cross_validation: SearchValidation = SearchValidation()
    """The training rows on which candidates are scored."""
    keep_best_on_cancel: bool = False
    """Whether a cancelled choice keeps the best candidate so far instead of no version."""


class Calibration(Contract):
    """Calibration of probabilities, fitted on rows that the estimator was not fitted on."""

    method: Literal["sigmoid", "isotonic", "temperature"] = "sigmoid"
    """The method of calibration; `isotonic` requires about a thousand rows."""
    cross_validation: Folds = Folds()
    """The folds: each is calibrated with a fit on the others, and the model returns the mean of all fits."""


class ThresholdCosts(Contract):
    """The costs of errors, in any unit. The second class of the signature is the positive class."""

    false_positive: float = Field(1.0, ge=0, allow_inf_nan=False)
    """The cost of a false positive."""
    false_negative: float = Field(1.0, ge=0, allow_inf_nan=False)
    """The cost of a false negative."""


class Threshold(Contract):
    """The choice of the probability threshold in binary classification, on rows that the fits have not seen."""

    scoring: SearchedThresholdMetric | None = None
    """The metric to maximise. Default: `balanced_accuracy`, unless costs are given."""
    costs: ThresholdCosts | None = None
    """The costs to minimise instead."""
    cross_validation: Folds = Folds()
    """The folds whose out-of-fold probabilities are used."""

    @model_validator(mode="after")
    def _one_aim(self) -> Self:
        if self.scoring is not None and self.costs is not None:
            raise ValueError("give either scoring or costs")
        if self.costs is not None and not (self.costs.false_positive and self.costs.false_negative):
            raise ValueError("both costs must be greater than 0")
        return self


def keeps_best(tuning: Search | Auto | None) -> bool:
    """Whether a training that is cancelled while tuning keeps the best candidate so far."""
    return tuning is not None and tuning.keep_best_on_cancel


def auto_task(target: Mapping[str, Any]) -> Literal["classification", "regression"]:
    """The task of `auto` if none is given.

    Args:
        target: The target's column in the dataset's record: text, booleans, and integers with at most 20 distinct
            values are classes.
    """
    is_code = target["type"] == "integer" and target["distinct"] <= 20
    return "classification" if is_code or target["type"] in ("text", "boolean") else "regression"
