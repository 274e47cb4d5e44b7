# Made from ../asynchronous/explaining.py by tools/twin.py: change it there, then run `make twin`.
"""Explanations, learning curves and drift reports of models; each is a job (docs/explanation.md, docs/drift.md)."""

from typing import TYPE_CHECKING, Unpack

from modelbus.client.arguments.options import (
    DriftOptions,
    ExplanationOptions,
    LearningOptions,
    PredictionExplanationOptions,
)
from modelbus.client.calls import job_call, path_of
from modelbus.client.frames import index_of, rows_body
from modelbus.client.job_results import read_drift, read_explanation, read_learning, read_prediction_explanation
from modelbus.client.moment_texts import Moment, drift_since
from modelbus.client.synchronous.starting import Starting

if TYPE_CHECKING:
    from modelbus.client.model_explanations import Drift, Learning, ModelExplanation, PredictionExplanation
    from modelbus.client.synchronous.job import Job
    from modelbus.client.tables.forms import Rows


class Explaining(Starting):
    """Explains models."""

    def explain(self, model: str, **options: Unpack[ExplanationOptions]) -> "Job[ModelExplanation]":
        """Start explaining a model version: the importance of its columns, and their partial dependence.

        The same call for the same version and dataset gives the same job.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            options: The other fields of the command: ``dataset``, ``kinds``, ``columns``, ``column_limit``,
                ``point_limit``, ``metric``, ``row_limit``, ``repeats``, ``seed``, ``has_plots``, ``limits``.

        Returns:
            The job; its result is the explanation.

        Raises:
            UnknownModel, UnknownDataset: The model or the dataset does not exist (any more).
            InvalidCommand: The version cannot be explained this way; ``details`` names the field.
        """
        # without an id of its own: the gateway derives one from the request, so that a repetition is the same job
        call = job_call(path_of("models", model, "explain"), options, has_own_id=False, wait=0)
        return self._start(call, read_explanation)

    def explain_prediction(
        self, model: str, rows: "Rows", *, dataset: str | None = None, **options: Unpack[PredictionExplanationOptions]
    ) -> "Job[PredictionExplanation]":
        """Start explaining the predictions for a few rows: how much each column contributes to each of them.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            rows: 10 rows at most, in any form that ``predict`` accepts.
            dataset: The dataset of the rows to compare with. Default: the version's training dataset.
            options: The other fields of the command: ``outputs``, ``background_row_count``, ``method``,
                ``permutations``, ``seed``, ``limits``.

        Returns:
            The job; its result is the explanation.

        Raises:
            UnfitTable: The rows cannot be sent; the message names the column.
            SignatureMismatch: The rows do not fit the model; ``details`` names row and column.
            UnknownModel, UnknownDataset: The model or the dataset does not exist (any more).
            InvalidCommand: The version cannot be explained this way; ``details`` names the field.
        """
        body = {**rows_body(rows), **({} if dataset is None else {"dataset": dataset}), **options}
        index = index_of(rows)
        call = job_call(path_of("models", model, "predict", "explain"), body, wait=0)
        return self._start(call, lambda one: read_prediction_explanation(one).with_index(index))

    def learning_curve(self, model: str, **options: Unpack[LearningOptions]) -> "Job[Learning]":
        """Start measuring a learning curve: a version's metrics after training on fractions of its rows.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            options: The other fields of the command: ``fractions``, ``has_plots``, ``limits``.

        Returns:
            The job; its result is the learning curve.

        Raises:
            UnknownModel, UnknownDataset: The model or the dataset does not exist (any more).
            InvalidCommand: The version was streamed, or a field is invalid.
        """
        call = job_call(path_of("models", model, "learning-curve"), options, wait=0)
        return self._start(call, read_learning)

    def drift(
        self, model: str, *, dataset: str | None = None, since: Moment | None = None, **options: Unpack[DriftOptions]
    ) -> "Job[Drift]":
        """Start a drift report: a comparison of rows with those that a version was trained on.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            dataset: Compare the rows of this dataset; or
            since: compare the rows that this version has predicted since then: a time, or an age such as ``10m``.
            options: The other fields of the command: ``thresholds``, ``row_limit``, ``seed``, ``has_plots``,
                ``limits``.

        Returns:
            The job; its result is the report.

        Raises:
            UnknownModel, UnknownDataset: The model or the dataset does not exist (any more).
            InvalidCommand: Neither or both of ``dataset`` and ``since`` are given, or a field is invalid.
        """
        given = {"dataset": dataset, "since": drift_since(since)}
        body = {**{name: value for name, value in given.items() if value is not None}, **options}
        return self._start(job_call(path_of("models", model, "drift"), body, wait=0), read_drift)
