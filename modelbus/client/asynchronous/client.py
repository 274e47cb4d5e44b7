"""The client: training, predicting, evaluating, and the parts with everything else.

Importing this module loads neither httpx nor pydantic: they are loaded when a client is made, or a part is first used.
"""

from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from modelbus.client.arguments.options import (
    EvaluationOptions,
    PredictionsEvaluationOptions,
    TrainingOptions,
)
from modelbus.client.asynchronous.explaining import AsyncExplaining
from modelbus.client.asynchronous.watching import AsyncWatching
from modelbus.client.calls import job_call, path_of, record_of
from modelbus.client.frames import index_of, rows_body
from modelbus.client.job_results import read_check, read_evaluation, read_predictions, read_training
from modelbus.client.places import default_api_key, default_url

if TYPE_CHECKING:
    from modelbus.client.asynchronous.api_keys import AsyncApiKeys
    from modelbus.client.asynchronous.datasets import AsyncDatasets
    from modelbus.client.asynchronous.dead_letters import AsyncDeadLetters
    from modelbus.client.asynchronous.estimators import AsyncEstimators
    from modelbus.client.asynchronous.evaluations import AsyncEvaluations
    from modelbus.client.asynchronous.job import AsyncJob
    from modelbus.client.asynchronous.jobs import AsyncJobs
    from modelbus.client.asynchronous.models import AsyncModels
    from modelbus.client.asynchronous.table_downloads import AsyncPredictedTable
    from modelbus.client.shown.records import Evaluation, TrainingCheck
    from modelbus.client.tables.forms import Rows
    from modelbus.client.typed_answers import Predictions, TrainedVersion
    from modelbus.shared.contracts import Task


class AsyncClient(AsyncExplaining, AsyncWatching):
    """A Modelbus gateway.

    Examples:
        >>> from modelbus import AsyncClient
        >>> async with AsyncClient() as client:
        ...     await client.datasets.upload("shop.csv")
        ...     job = await client.train("prices", "shop", "price", estimator="Ridge")
        ...     trained = await job.result()
        ...     predictions = await client.predict("prices", [{"size": 2.0, "color": "red"}])
    """

    def __init__(
        self, url: str | None = None, *, api_key: str | None = None, retry_s: float = 30.0, answer_s: float = 60.0
    ) -> None:
        """Nothing is sent before the first call.

        Args:
            url: The gateway's address. Default: ``MODELBUS_URL``, else that of the local stack running in the working
                directory or a folder above it, else port 8000 of this machine.
            api_key: An API key, where the gateway requires one. Default: ``MODELBUS_API_KEY``.
            retry_s: Seconds during which a request is repeated while the gateway does not answer, provided that a
                repetition is harmless; 0 sends each request once. Where nothing listens at an address of this machine,
                and the gateway has not answered this client before, the first request fails at once.
            answer_s: Seconds without data after which the connection counts as broken.

        Raises:
            GatewayUnreachable: The address is not valid.
            WrongArgument: The key has characters that an HTTP header cannot carry.
        """
        from modelbus.client.asynchronous.http_transport import AsyncTransport

        self._transport = AsyncTransport(
            url or default_url(), api_key or default_api_key(), retry_s=retry_s, answer_s=answer_s
        )

    @cached_property
    def datasets(self) -> "AsyncDatasets":
        """Datasets: tables to train on, predict for and evaluate on."""
        from modelbus.client.asynchronous.datasets import AsyncDatasets

        return AsyncDatasets(self._transport)

    @cached_property
    def estimators(self) -> "AsyncEstimators":
        """The estimators that can be trained."""
        from modelbus.client.asynchronous.estimators import AsyncEstimators

        return AsyncEstimators(self._transport)

    @cached_property
    def models(self) -> "AsyncModels":
        """Models and their versions."""
        from modelbus.client.asynchronous.models import AsyncModels

        return AsyncModels(self._transport)

    @cached_property
    def evaluations(self) -> "AsyncEvaluations":
        """Evaluations."""
        from modelbus.client.asynchronous.evaluations import AsyncEvaluations

        return AsyncEvaluations(self._transport)

    @cached_property
    def jobs(self) -> "AsyncJobs":
        """Jobs."""
        from modelbus.client.asynchronous.jobs import AsyncJobs

        return AsyncJobs(self._transport)

    @cached_property
    def dead_letters(self) -> "AsyncDeadLetters":
        """Dead letters: dead jobs and unreadable messages."""
        from modelbus.client.asynchronous.dead_letters import AsyncDeadLetters

        return AsyncDeadLetters(self._transport)

    @cached_property
    def api_keys(self) -> "AsyncApiKeys":
        """API keys."""
        from modelbus.client.asynchronous.api_keys import AsyncApiKeys

        return AsyncApiKeys(self._transport)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self._transport.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def train(
        self,
        model: str,
        dataset: str,
        target: str | None = None,
        *,
        estimator: str,
        hyperparameters: Mapping[str, Any] | None = None,
        **options: Unpack[TrainingOptions],
    ) -> "AsyncJob[TrainedVersion]":
        """Start training a model.

        Args:
            model: The model's name; an existing model gets a further version.
            dataset: The dataset to train on.
            target: The column to predict; None for outlier detection and clustering.
            estimator: A name from ``client.estimators.list()``, or ``auto``.
            hyperparameters: The estimator's hyperparameters; the others keep their defaults.
            options: The other fields of the command, such as ``features``, ``exclude``, ``class_weight``, ``hold_out``,
                ``cross_validation``, ``search``, ``promote`` (default: ``if_comparable``), ``seed``, ``limits``,
                ``tags``, ``note`` (docs/training.md).

        Returns:
            The job; its result is the trained version.

        Raises:
            UnknownDataset, UnknownEstimator, InvalidCommand: The training is refused; ``details`` names each field.
        """
        command = _training(model, dataset, target, estimator, hyperparameters, options)
        return await self._start(job_call("/models", command), read_training)

    async def check_training(
        self,
        model: str,
        dataset: str,
        target: str | None = None,
        *,
        estimator: str,
        hyperparameters: Mapping[str, Any] | None = None,
        **options: Unpack[TrainingOptions],
    ) -> "TrainingCheck":
        """Validate a training and estimate its memory, without fitting anything. The arguments are those of ``train``.

        Raises:
            ModelbusError: The training would be refused; the error is the one that ``train`` would raise.
        """
        command = _training(model, dataset, target, estimator, hyperparameters, options)
        call = job_call("/models/validate", command, wait=0)
        job = await self._start(call, read_check)
        return await job.result(progress=False)

    async def predict(
        self,
        model: str,
        rows: "Rows",
        *,
        has_probabilities: bool = False,
        has_scores: bool = False,
        keep: list[str] | None = None,
        timeout_s: float | None = 60.0,
    ) -> "Predictions":
        """Predict for a few rows; ``predict_dataset`` is for many.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            rows: A DataFrame (pandas, polars, pyarrow), a pandas Series whose index names the columns, a list of
                mappings from column to value, one such mapping, or a mapping from column to a list of values.
            has_probabilities: Include the probability of each class.
            has_scores: Include the decision scores.
            keep: Columns of the rows to return with the predictions, such as an id.
            timeout_s: Seconds to wait for a predictor; None waits without limit.

        Returns:
            One prediction a row, in the order of the rows; ``to_frame()`` has the index of a pandas DataFrame.

        Raises:
            UnfitTable: The rows cannot be sent; the message names the column.
            SignatureMismatch: The rows do not fit the model; ``details`` names row and column.
            UnknownModel: The model, alias or version does not exist.
            LimitExceeded: There are too many rows.
            WaitTimedOut: No predictor has answered in time.
        """
        from modelbus.client.asynchronous.job import AsyncJob
        from modelbus.client.typed_answers import Predictions

        extras = {"has_probabilities": has_probabilities, "has_scores": has_scores}
        body = {**rows_body(rows), **{name: True for name, is_wanted in extras.items() if is_wanted}}
        body |= {"keep": keep} if keep else {}
        call = job_call(path_of("models", model, "predict"), body)
        reply = await self._transport.send(call)
        if reply.is_pending:
            job = AsyncJob(self._transport, str(call.correlation_id), read_predictions)
            predictions = await job.result(timeout_s, progress=False)
        else:
            predictions = record_of(Predictions, reply.document)
        return predictions.with_index(index_of(rows))

    async def predict_dataset(
        self,
        model: str,
        dataset: str,
        *,
        has_probabilities: bool = False,
        has_scores: bool = False,
        keep: list[str] | None = None,
    ) -> "AsyncJob[AsyncPredictedTable]":
        """Start predicting for every row of a dataset.

        Returns:
            The job; its result is a table: ``(...).result().download("predictions.csv")``, or ``.to_frame()``.

        Raises:
            UnknownModel, UnknownDataset: The model or the dataset does not exist.
        """
        from modelbus.client.asynchronous.table_downloads import read_table

        body = {"dataset": dataset, "has_probabilities": has_probabilities, "has_scores": has_scores}
        body |= {"keep": keep} if keep else {}
        call = job_call(path_of("models", model, "predict"), body)
        return await self._start(call, lambda one: read_table(self._transport, one))

    async def evaluate(self, model: str, dataset: str, **options: Unpack[EvaluationOptions]) -> "AsyncJob[Evaluation]":
        """Start evaluating a model version on a dataset that has the target.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            dataset: The dataset.
            options: The other fields of the command, such as ``evaluation`` (the record's id), ``slices``,
                ``intervals``, ``best_threshold`` (docs/evaluation.md).

        Returns:
            The job; its result is the evaluation.

        Raises:
            UnknownModel, UnknownDataset, EvaluationExists, InvalidCommand: The evaluation is refused.
        """
        call = job_call("/evaluations", {"model": model, "dataset": dataset, **options})
        return await self._start(call, read_evaluation)

    async def evaluate_predictions(
        self,
        dataset: str,
        truth: str,
        prediction: str,
        *,
        task: "Task",
        **options: Unpack[PredictionsEvaluationOptions],
    ) -> "AsyncJob[Evaluation]":
        """Start evaluating predictions that are a column of a dataset, beside the truth.

        Args:
            dataset: The dataset.
            truth: The column with the true values.
            prediction: The column with the predicted values.
            task: ``classification``, ``regression`` or ``clustering``.
            options: The other fields of the command, such as ``probabilities``, ``evaluation`` (docs/evaluation.md).

        Returns:
            The job; its result is the evaluation.

        Raises:
            UnknownDataset, EvaluationExists, InvalidCommand: The evaluation is refused.
        """
        command = {"dataset": dataset, "truth": truth, "prediction": prediction, "task": task, **options}
        return await self._start(job_call("/evaluations", command), read_evaluation)


def _training(
    model: str,
    dataset: str,
    target: str | None,
    estimator: str,
    hyperparameters: Mapping[str, Any] | None,
    options: TrainingOptions,
) -> dict[str, Any]:
    command = {"model": model, "dataset": dataset, "estimator": estimator, **options}
    if target is not None:
        command["target"] = target
    if hyperparameters:
        command["hyperparameters"] = dict(hyperparameters)
    return command
