# Made from ../asynchronous/client.py by tools/twin.py: change it there, then run `make twin`.
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
from modelbus.client.calls import job_call, path_of, record_of
from modelbus.client.frames import index_of, rows_body
from modelbus.client.job_results import read_check, read_evaluation, read_predictions, read_training
from modelbus.client.places import default_api_key, default_url
from modelbus.client.synchronous.explaining import Explaining
from modelbus.client.synchronous.watching import Watching

if TYPE_CHECKING:
    from modelbus.client.shown.records import Evaluation, TrainingCheck
    from modelbus.client.synchronous.api_keys import ApiKeys
    from modelbus.client.synchronous.datasets import Datasets
    from modelbus.client.synchronous.dead_letters import DeadLetters
    from modelbus.client.synchronous.estimators import Estimators
    from modelbus.client.synchronous.evaluations import Evaluations
    from modelbus.client.synchronous.job import Job
    from modelbus.client.synchronous.jobs import Jobs
    from modelbus.client.synchronous.models import Models
    from modelbus.client.synchronous.table_downloads import PredictedTable
    from modelbus.client.tables.forms import Rows
    from modelbus.client.typed_answers import Predictions, TrainedVersion
    from modelbus.shared.contracts import Task


class Client(Explaining, Watching):
    """A Modelbus gateway.

    Examples:
        >>> from modelbus import Client
        >>> with Client() as client:
        ...     client.datasets.upload("shop.csv")
        ...     job = client.train("prices", "shop", "price", estimator="Ridge")
        ...     trained = job.result()
        ...     predictions = client.predict("prices", [{"size": 2.0, "color": "red"}])
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
        from modelbus.client.synchronous.http_transport import Transport

        self._transport = Transport(
            url or default_url(), api_key or default_api_key(), retry_s=retry_s, answer_s=answer_s
        )

    @cached_property
    def datasets(self) -> "Datasets":
        """Datasets: tables to train on, predict for and evaluate on."""
        from modelbus.client.synchronous.datasets import Datasets

        return Datasets(self._transport)

    @cached_property
    def estimators(self) -> "Estimators":
        """The estimators that can be trained."""
        from modelbus.client.synchronous.estimators import Estimators

        return Estimators(self._transport)

    @cached_property
    def models(self) -> "Models":
        """Models and their versions."""
        from modelbus.client.synchronous.models import Models

        return Models(self._transport)

    @cached_property
    def evaluations(self) -> "Evaluations":
        """Evaluations."""
        from modelbus.client.synchronous.evaluations import Evaluations

        return Evaluations(self._transport)

    @cached_property
    def jobs(self) -> "Jobs":
        """Jobs."""
        from modelbus.client.synchronous.jobs import Jobs

        return Jobs(self._transport)

    @cached_property
    def dead_letters(self) -> "DeadLetters":
        """Dead letters: dead jobs and unreadable messages."""
        from modelbus.client.synchronous.dead_letters import DeadLetters

        return DeadLetters(self._transport)

    @cached_property
    def api_keys(self) -> "ApiKeys":
        """API keys."""
        from modelbus.client.synchronous.api_keys import ApiKeys

        return ApiKeys(self._transport)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self._transport.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def train(
        self,
        model: str,
        dataset: str,
        target: str | None = None,
        *,
        estimator: str,
        hyperparameters: Mapping[str, Any] | None = None,
        **options: Unpack[TrainingOptions],
    ) -> "Job[TrainedVersion]":
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
        return self._start(job_call("/models", command), read_training)

    def check_training(
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
        job = self._start(call, read_check)
        return job.result(progress=False)

    def predict(
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
        from modelbus.client.synchronous.job import Job
        from modelbus.client.typed_answers import Predictions

        extras = {"has_probabilities": has_probabilities, "has_scores": has_scores}
        body = {**rows_body(rows), **{name: True for name, is_wanted in extras.items() if is_wanted}}
        body |= {"keep": keep} if keep else {}
        call = job_call(path_of("models", model, "predict"), body)
        reply = self._transport.send(call)
        if reply.is_pending:
            job = Job(self._transport, str(call.correlation_id), read_predictions)
            predictions = job.result(timeout_s, progress=False)
        else:
            predictions = record_of(Predictions, reply.document)
        return predictions.with_index(index_of(rows))

    def predict_dataset(
        self,
        model: str,
        dataset: str,
        *,
        has_probabilities: bool = False,
        has_scores: bool = False,
        keep: list[str] | None = None,
    ) -> "Job[PredictedTable]":
        """Start predicting for every row of a dataset.

        Returns:
            The job; its result is a table: ``(...).result().download("predictions.csv")``, or ``.to_frame()``.

        Raises:
            UnknownModel, UnknownDataset: The model or the dataset does not exist.
        """
        from modelbus.client.synchronous.table_downloads import read_table

        body = {"dataset": dataset, "has_probabilities": has_probabilities, "has_scores": has_scores}
        body |= {"keep": keep} if keep else {}
        call = job_call(path_of("models", model, "predict"), body)
        return self._start(call, lambda one: read_table(self._transport, one))

    def evaluate(self, model: str, dataset: str, **options: Unpack[EvaluationOptions]) -> "Job[Evaluation]":
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
        return self._start(call, read_evaluation)

    def evaluate_predictions(
        self,
        dataset: str,
        truth: str,
        prediction: str,
        *,
        task: "Task",
        **options: Unpack[PredictionsEvaluationOptions],
    ) -> "Job[Evaluation]":
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
        return self._start(job_call("/evaluations", command), read_evaluation)


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
