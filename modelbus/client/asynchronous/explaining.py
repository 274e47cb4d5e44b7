"""What can be asked about a model: explanations, learning curves, drift. Each is a job (docs/explanation.md)."""

from typing import TYPE_CHECKING, Any

from modelbus.client.asynchronous.starting import AsyncStarting
from modelbus.client.calls import Call, job_call, path_of
from modelbus.client.frames import is_frame, rows_body
from modelbus.client.job_results import read_drift, read_explanation, read_learning, read_prediction_explanation
from modelbus.client.moment_texts import Moment, drift_since

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from modelbus.client.asynchronous.job import AsyncJob
    from modelbus.client.model_explanations import Drift, Learning, ModelExplanation, PredictionExplanation


class AsyncExplaining(AsyncStarting):
    """Asks about models."""

    async def explain(self, model: str, **options: Any) -> "AsyncJob[ModelExplanation]":
        """Say which columns a version answers by, and how its answers depend on them; the job that does it.

        The same question of the same version and dataset is answered by the same job.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            options: Fields of the command: ``dataset``, ``kinds``, ``columns``, ``column_limit``, ``point_limit``,
                ``metric``, ``row_limit``, ``repeats``, ``seed``, ``has_plots``, ``limits``.

        Raises:
            UnknownModel, UnknownDataset: There is no such thing (any more).
            InvalidCommand: What is asked for cannot be had of this version; ``details`` names the field.
        """
        # without an id of its own: the gateway's, which follows from the question, makes it harmless to ask twice
        call = Call("POST", path_of("models", model, "explain"), {"wait": 0}, body=options)
        return await self._start(call, read_explanation)

    async def explain_prediction(
        self,
        model: str,
        rows: "pd.DataFrame | list[dict[str, Any]] | Mapping[str, Any]",
        *,
        dataset: str | None = None,
        **options: Any,
    ) -> "AsyncJob[PredictionExplanation]":
        """Say what each column of some rows contributes to the answers for them; the job that does it.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            rows: Ten at most, in any form that ``predict`` takes.
            dataset: Where the rows that they are compared with come from; by default what the version was trained on.
            options: Every other field of the command: ``outputs``, ``background_row_count``, ``method``,
                ``permutations``, ``seed``, ``limits``.

        Raises:
            SignatureMismatch: The rows do not fit the model; ``details`` names row and column.
            UnknownModel, UnknownDataset: There is no such thing (any more).
            InvalidCommand: What is asked for cannot be had of this version; ``details`` names the field.
        """
        body = {**rows_body(rows), **({} if dataset is None else {"dataset": dataset}), **options}
        index = rows.index if is_frame(rows) else None
        call = job_call(path_of("models", model, "predict", "explain"), body, wait=0)
        return await self._start(call, lambda one: read_prediction_explanation(one).with_index(index))

    async def learning_curve(self, model: str, **options: Any) -> "AsyncJob[Learning]":
        """Say how good a version would have become with fewer rows; the job that trains it again and again.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            options: Fields of the command: ``fractions`` of the training rows, ``has_plots``, ``limits``.

        Raises:
            UnknownModel, UnknownDataset: There is no such thing (any more).
            InvalidCommand: The version was streamed, or a field is wrong.
        """
        call = job_call(path_of("models", model, "learning-curve"), options, wait=0)
        return await self._start(call, read_learning)

    async def drift(
        self, model: str, *, dataset: str | None = None, since: Moment | None = None, **options: Any
    ) -> "AsyncJob[Drift]":
        """Say whether rows are still like those that a version was trained on; the job that compares them.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            dataset: The rows to compare: a dataset's; or
            since: those that this version predicted since then: a time, or an age such as ``10m``.
            options: Every other field of the command: ``thresholds``, ``row_limit``, ``seed``, ``has_plots``,
                ``limits``.

        Raises:
            UnknownModel, UnknownDataset: There is no such thing (any more).
            InvalidCommand: Neither or both of them are given, or a field is wrong.
        """
        given = {"dataset": dataset, "since": drift_since(since)}
        body = {**{name: value for name, value in given.items() if value is not None}, **options}
        return await self._start(job_call(path_of("models", model, "drift"), body, wait=0), read_drift)
