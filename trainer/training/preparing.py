"""The checks and the split before a fit. Pure maths."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from modelbus.shared.contracts import UNSUPERVISED, Task
from modelbus.shared.contracts.commands.tuning import AUTO, Auto, Search
from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.auto.portfolio import require_families
from modelbus.trainer.catalogue.making import make_estimator
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.fitting.plan_checks import agreed_task
from modelbus.trainer.fitting.prepared_fit import PROBABILITIES, PreparedFit
from modelbus.trainer.rows.learning_target import LearningTarget, learn_target, rows_without_target
from modelbus.trainer.rows.splitting import read_groups, read_times, split_rows
from modelbus.trainer.rows.weighting import read_sample_weights, require_weighable, weigh_classes
from modelbus.trainer.tuning.candidates import require_method
from modelbus.trainer.tuning.objectives import objective_of
from modelbus.trainer.tuning.search_space import check_space


def prepare(frame: pd.DataFrame, plan: FitPlan) -> PreparedFit:
    """Check everything that can be checked before a fit, and split the rows.

    Args:
        frame: The dataset's rows, with at least the plan's ``row_columns``.
        plan: The plan of the fit.

    Raises:
        UnknownEstimator, InvalidCommand, EstimatorRejected: See ``fit_model``.
    """
    estimator = _first_estimator(plan, lambda name, given: make_estimator(name, given, plan.seed))
    task = agreed_task(plan.estimator_name, plan.task)
    _check_tuning(plan, task)
    if estimator is not None:
        require_weighable(estimator, plan.sample_weight)
    known = _known_rows(frame, plan, task)
    times = read_times(frame, plan.time_schema, known.rows)
    is_classification = task == "classification"
    groups = read_groups(frame, plan.group_column, known.rows)
    split = split_rows(
        known.values, plan.hold_out, is_classification=is_classification, seed=plan.seed, times=times, groups=groups
    )
    weights = read_sample_weights(frame, plan.sample_weight, known.rows)
    known = known.within(split.train)
    prepared = PreparedFit(estimator, task, known, split, weights, plan.seed, groups)
    if is_classification:
        prepared = replace(prepared, estimator=_first_estimator(plan, prepared.make))
    _check_threshold(plan, prepared)
    if prepared.estimator is not None:
        # only a check: the weights of a fit are computed from its own rows
        weigh_classes(prepared.estimator, plan.class_weight, known.classes, known.values[split.train], None)
    return prepared


def _first_estimator(plan: FitPlan, make: Callable[[str, Mapping[str, Any]], Any]) -> Any:
    """The estimator to fit, or the first candidate of a search, after checking that all candidates are valid."""
    if plan.estimator_name == AUTO:
        return None
    if not isinstance(plan.tuning, Search):
        return make(plan.estimator_name, plan.hyperparameters)
    search, name = plan.tuning, plan.estimator_name
    return check_space(search.space, plan.hyperparameters, name, lambda given: make(name, given))


def _check_tuning(plan: FitPlan, task: Task) -> None:
    tuning = plan.tuning
    if tuning is None:
        return
    objective_of(tuning.scoring, task, where="auto.scoring" if isinstance(tuning, Auto) else "search.scoring")
    if isinstance(tuning, Search):
        require_method(tuning.method)
    else:
        require_families(tuning, task)


def _check_threshold(plan: FitPlan, prepared: PreparedFit) -> None:
    """Check that a threshold can be found: there are two classes, and probabilities."""
    if plan.threshold is None:
        return
    problem = None
    if len(prepared.classes or []) != 2:
        problem = f"a threshold needs exactly two classes, and {plan.target!r} has {len(prepared.classes or []):,}"
    elif prepared.estimator is not None and plan.calibration is None and not hasattr(prepared.estimator, PROBABILITIES):
        problem = f"a threshold needs probabilities, which {plan.estimator_name} does not have: add calibration"
    if problem:
        raise InvalidCommand(problem, details=[{"where": "threshold", "problem": problem}])


def _known_rows(frame: pd.DataFrame, plan: FitPlan, task: Task) -> LearningTarget:
    """The rows to learn from.

    Raises:
        InvalidCommand: There is a target, but the task has none, or the other way round.
    """
    if (plan.target_schema is None) != (task in UNSUPERVISED):
        problem = f"{plan.estimator_name} {'learns without a target' if plan.target_schema else 'needs a target'}"
        raise InvalidCommand(problem, details=[{"where": "target", "problem": problem}])
    if plan.target_schema is None:
        return rows_without_target(len(frame))
    target, column = plan.known_target
    return learn_target(frame[target], column, task, plan.estimator_name)
