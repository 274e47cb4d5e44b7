"""What can be said of tuning: the search for hyperparameters, the choice of an estimator, calibration and threshold."""

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

AUTO: Final = "auto"
"""What stands in place of an estimator's name where the service chooses it."""
CANDIDATE_LIMIT: Final = 1000
"""Candidates that one search may try, however they are drawn."""
VALUE_LIMIT: Final = 200
"""Values that a hyperparameter may be given to choose from."""


def _number(value: Any) -> Any:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("must be a number")
    if type(value) is int and not is_storable_integer(value):
        raise ValueError("an integer must fit into 64 bits")
    return value


Number = Annotated[Any, PlainValidator(_number, json_schema_input_type=float)]
"""A number that stays what it is: 1 is an integer, 1.0 a real number."""
MetricName = Annotated[str, Field(max_length=100)]
EstimatorName = Annotated[str, Field(max_length=100)]
SpaceKey = Annotated[str, StringConstraints(strict=True, pattern=SPACE_KEY_PATTERN)]
DistributionName = Literal["uniform", "log_uniform", "int_uniform", "int_log_uniform", "normal"]
StoppingReason = Literal["cancelled", "time_budget"]


class Folds(Contract):
    """How many folds the training rows are cut into, for what is learnt of rows that a fit has not seen."""

    folds: int = Field(5, ge=2, le=20)
    """How many."""


class SearchValidation(Contract):
    """On which rows candidates are measured: on folds of the training rows, never on the hold-out."""

    folds: int | None = Field(None, ge=2, le=20)
    """How many folds; each is measured by a fit of the others. Default: 5, where no fraction is given."""
    fraction: float | None = Field(None, gt=0, lt=1)
    """Measure on one fold of this fraction of the rows instead, which takes one fit a candidate."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.folds is not None and self.fraction is not None:
            raise ValueError("give folds or fraction, not both")
        return self

    @property
    def fold_count(self) -> int | None:
        """How many folds; None where one fraction is measured on."""
        return None if self.fraction is not None else self.folds or 5


class Dimension(Contract):
    """What one hyperparameter may be: one of some values, or a draw from a distribution."""

    values: list[JsonValue] | None = Field(None, min_length=1, max_length=VALUE_LIMIT)
    """The values to choose from."""
    distribution: DistributionName | None = None
    """Where to draw from: `uniform` and `log_uniform` give real numbers, `int_uniform` and `int_log_uniform` integers,
    `normal` real numbers within `low` and `high`."""
    low: Number | None = None
    """The least number."""
    high: Number | None = None
    """The largest number."""
    step: WholeNumber | None = None
    """Of `int_uniform`: the distance between two numbers, counted from `low`."""
    mean: float | None = Field(None, allow_inf_nan=False)
    """Of `normal`."""
    standard_deviation: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Of `normal`."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.values is None) == (self.distribution is None):
            raise ValueError('give {"values": [...]} or {"distribution": ..., "low": ..., "high": ...}')
        needed = {"values"} if self.distribution is None else {"distribution", "low", "high"}
        if self.distribution == "normal":
            needed |= {"mean", "standard_deviation"}
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        allowed = needed | ({"step"} if self.distribution == "int_uniform" else set())
        what = self.distribution or "values"
        if needed - given:
            raise ValueError(f"{what} needs {', '.join(sorted(needed - given))}")
        if given - allowed:
            raise ValueError(f"{what} takes no {', '.join(sorted(given - allowed))}")
        if self.distribution is not None:
            self._check_ends(*self.ends)
        return self

    def _check_ends(self, low: float, high: float) -> None:
        if low >= high:
            raise ValueError(f"low must be less than high, not {low:g} and {high:g}")
        if self.is_integer and not (type(low) is int and type(high) is int):
            raise ValueError(f"{self.distribution} goes from one integer to another")
        if self.is_logarithmic and low <= 0:
            raise ValueError(f"{self.distribution} needs numbers above 0, and low is {low:g}")

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest number of a distribution."""
        assert self.low is not None
        assert self.high is not None  # a distribution has both
        return self.low, self.high

    @property
    def is_integer(self) -> bool:
        """Whether integers are drawn."""
        return self.distribution in ("int_uniform", "int_log_uniform")

    @property
    def is_logarithmic(self) -> bool:
        """Whether each order of magnitude is as likely as the others."""
        return self.distribution in ("log_uniform", "int_log_uniform")

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said: dict[str, Any] = handler(self)
        return {name: value for name, value in said.items() if value is not None}


Space = Annotated[dict[SpaceKey, Dimension], Field(min_length=1, max_length=50)]


class Search(Contract):
    """Try candidates for the hyperparameters, and keep the best; what is given as hyperparameters holds for all."""

    method: Literal["grid", "random", "halving", "tpe"]
    """`grid` tries all combinations of values; `random` draws; `halving` draws, and gives more rows to fewer of them
    again and again; `tpe` draws where good ones were found (an extra: `pip install 'modelbus[tune]'`)."""
    space: Space
    """What each hyperparameter may be; of an estimator inside as `estimator__C`, or `<member's name>__C`."""
    candidates: int | None = Field(None, ge=1, le=CANDIDATE_LIMIT)
    """How many are drawn; default 20. A grid has as many as its values make."""
    cross_validation: SearchValidation = SearchValidation()
    """On which of the training rows they are measured."""
    scoring: MetricName | None = None
    """The metric that says what is better; default: `balanced_accuracy`, `r2`, or `silhouette`."""
    time_budget_s: float | None = Field(None, gt=0, allow_inf_nan=False)
    """No fit of a candidate begins after so many seconds; the best so far is kept."""
    min_resource_rows: int | None = Field(None, ge=10, le=MAX_INTEGER)
    """Of `halving`: rows in the first round, at least; default: 100."""
    factor: int = Field(3, ge=2, le=10)
    """Of `halving`: each round has one `factor`-th of the candidates, and `factor` times the rows."""
    keep_best_on_cancel: bool = False
    """Whether a search that is cancelled ends with the best so far, instead of nothing."""

    @model_validator(mode="after")
    def _fits_its_method(self) -> Self:
        if self.method != "halving" and (self.min_resource_rows is not None or self.factor != 3):
            raise ValueError("min_resource_rows and factor are of halving")
        if self.method == "grid":
            self._check_grid()
        return self

    def _check_grid(self) -> None:
        drawn = sorted(name for name, dimension in self.space.items() if dimension.values is None)
        if drawn:
            raise ValueError(f"a grid takes values only, and {', '.join(drawn)} is a distribution: take random or tpe")
        if self.candidates is not None:
            raise ValueError("a grid has as many candidates as its values make")
        if self.grid_size > CANDIDATE_LIMIT:
            raise ValueError(
                f"the grid has {self.grid_size:,} candidates, and {CANDIDATE_LIMIT:,} are tried at most: "
                "give it fewer values, or take random, which draws as many as you say"
            )

    @property
    def grid_size(self) -> int:
        """How many combinations the values make; a distribution counts once."""
        size = 1
        for dimension in self.space.values():
            size *= len(dimension.values or [None])
        return size


class Auto(Contract):
    """How an estimator is chosen: from a portfolio by task and table, then refined, then joined if that helps."""

    time_budget_s: float = Field(60.0, gt=0, allow_inf_nan=False)
    """Seconds for the choice, the last fit on all training rows and its measuring. No fit begins that is not expected
    to end in time, and one that overruns its share is killed."""
    max_models: int | None = Field(None, ge=1, le=CANDIDATE_LIMIT)
    """So many candidates are tried at most, beside the baseline. With time to spare, the same seed then gives the same
    model."""
    scoring: MetricName | None = None
    """The metric that says what is better; default: `balanced_accuracy` or `r2`."""
    include: list[EstimatorName] | None = Field(None, min_length=1, max_length=100)
    """These of the portfolio only."""
    exclude: list[EstimatorName] = Field([], max_length=100)
    """All of the portfolio but these."""
    has_ensemble: bool = True
    """Whether the best may be joined to a vote: if it is better by more than chance, or, on few rows, unless a single
    candidate is."""
    cross_validation: SearchValidation = SearchValidation()
    """On which of the training rows candidates are measured."""
    keep_best_on_cancel: bool = False
    """Whether a choice that is cancelled ends with the best so far, instead of nothing."""


class Calibration(Contract):
    """Probabilities that are as often right as they say: learnt on rows that the estimator was not fitted on."""

    method: Literal["sigmoid", "isotonic", "temperature"] = "sigmoid"
    """How they are mapped; `isotonic` wants a thousand rows or more."""
    cross_validation: Folds = Folds()
    """Each fold is mapped by a fit of the others, and the model answers the mean of them all."""


class ThresholdCosts(Contract):
    """What an error costs, in any unit; the second class of the signature is the positive one."""

    false_positive: float = Field(1.0, ge=0, allow_inf_nan=False)
    """A row of the first class that is answered as the second."""
    false_negative: float = Field(1.0, ge=0, allow_inf_nan=False)
    """A row of the second class that is answered as the first."""


class Threshold(Contract):
    """From which probability on the second of two classes is answered: the one that is best on rows not fitted on."""

    scoring: SearchedThresholdMetric | None = None
    """What is to be as high as can be; default: `balanced_accuracy`, where no costs are given."""
    costs: ThresholdCosts | None = None
    """What is to be as low as can be instead."""
    cross_validation: Folds = Folds()
    """The rows of each fold have the probabilities of a fit of the others."""

    @model_validator(mode="after")
    def _one_aim(self) -> Self:
        if self.scoring is not None and self.costs is not None:
            raise ValueError("give scoring or costs, not both")
        if self.costs is not None and not (self.costs.false_positive and self.costs.false_negative):
            raise ValueError("an error that costs nothing makes one answer right for all rows: give both costs above 0")
        return self


def keeps_best(tuning: Search | Auto | None) -> bool:
    """Whether a training that is cancelled while it tunes ends with the best so far."""
    return tuning is not None and tuning.keep_best_on_cancel


def auto_task(target: Mapping[str, Any]) -> Literal["classification", "regression"]:
    """What `auto` learns where no task is given.

    Args:
        target: The target's column as the dataset's record has it: text, booleans, and integers of 20 different values
            at most are classes.
    """
    is_code = target["type"] == "integer" and target["distinct"] <= 20
    return "classification" if is_code or target["type"] in ("text", "boolean") else "regression"
