# Made from ../asynchronous/client.py by tools/twin.py: change it there, then run `make twin`.
"""The client: train, predict, evaluate; and the parts that have the rest.

Importing it loads neither httpx nor pydantic: what does the work is loaded when a client is made, or a part first used.
"""

from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from modelbus.client.calls import job_call, path_of, record_of
from modelbus.client.frames import is_frame, rows_body
from modelbus.client.job_results import read_check, read_evaluation, read_predictions, read_training
from modelbus.client.places import default_api_key, default_url
from modelbus.client.synchronous.explaining import Explaining
from modelbus.client.synchronous.watching import Watching

if TYPE_CHECKING:
    import pandas as pd

    from modelbus.client.synchronous.api_keys import ApiKeys
    from modelbus.client.synchronous.datasets import Datasets
    from modelbus.client.synchronous.dead_letters import DeadLetters
    from modelbus.client.synchronous.estimators import Estimators
    from modelbus.client.synchronous.evaluations import Evaluations
    from modelbus.client.synchronous.job import Job
    from modelbus.client.synchronous.jobs import Jobs
    from modelbus.client.synchronous.models import Models
    from modelbus.client.synchronous.table_downloads import PredictedTable
    from modelbus.client.typed_answers import Predictions, TrainedVersion
    from modelbus.shared.contracts import EvaluationRecord, Task
    from modelbus.shared.contracts.records.results import CheckResult


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
            url: The gateway's address; default: ``MODELBUS_URL``, else the local stack that runs in the working
                directory or a folder above it, else this machine's port 8000.
            api_key: A key, where the gateway wants one; default: ``MODELBUS_API_KEY``.
            retry_s: For so many seconds a request is sent again, as long as the gateway does not answer and sending it
                again is harmless. 0 never does.
            answer_s: Seconds that an answer may stand still before the connection is taken for broken.

        Raises:
            GatewayUnreachable: The address is none.
        """
        from modelbus.client.synchronous.http_transport import Transport

        self._transport = Transport(
            url or default_url(), api_key or default_api_key(), retry_s=retry_s, answer_s=answer_s
        )

    @cached_property
    def datasets(self) -> "Datasets":
        """The tables."""
        from modelbus.client.synchronous.datasets import Datasets

        return Datasets(self._transport)

    @cached_property
    def estimators(self) -> "Estimators":
        """What can be trained."""
        from modelbus.client.synchronous.estimators import Estimators

        return Estimators(self._transport)

    @cached_property
    def models(self) -> "Models":
        """What was trained."""
        from modelbus.client.synchronous.models import Models

        return Models(self._transport)

    @cached_property
    def evaluations(self) -> "Evaluations":
        """What was measured."""
        from modelbus.client.synchronous.evaluations import Evaluations

        return Evaluations(self._transport)

    @cached_property
    def jobs(self) -> "Jobs":
        """What was asked for."""
        from modelbus.client.synchronous.jobs import Jobs

        return Jobs(self._transport)

    @cached_property
    def dead_letters(self) -> "DeadLetters":
        """What could not be done, or not even be read."""
        from modelbus.client.synchronous.dead_letters import DeadLetters

        return DeadLetters(self._transport)

    @cached_property
    def api_keys(self) -> "ApiKeys":
        """Who may ask."""
        from modelbus.client.synchronous.api_keys import ApiKeys

        return ApiKeys(self._transport)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.url}>"

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
        **options: Any,
    ) -> "Job[TrainedVersion]":
        """Train a model; the job that does it.

        Args:
            model: The model's name; one that is there gets a further version.
            dataset: The dataset to train on.
            target: The column to predict; none for outlier detection and clustering.
            estimator: A name of ``client.estimators.list()``.
            hyperparameters: What is absent keeps the estimator's default.
            options: Every other field of the command, such as ``features``, ``exclude``, ``class_weight``,
                ``hold_out``, ``cross_validation``, ``promote`` (``if_comparable`` by default), ``promote_metric``,
                ``allow_target_change``, ``seed``, ``limits``, ``tags``, ``note`` (docs/training.md).

        Raises:
            UnknownDataset, UnknownEstimator, InvalidCommand: What is asked for cannot be; ``details`` names each field.
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
        **options: Any,
    ) -> "CheckResult":
        """Say what a training would take, without fitting anything. Arguments are those of ``train``.

        Raises:
            ModelbusError: What the training would be refused for.
        """
        command = _training(model, dataset, target, estimator, hyperparameters, options)
        call = job_call("/models/validate", command, wait=0)
        job = self._start(call, read_check)
        return job.result(progress=False)

    def predict(
        self,
        model: str,
        rows: "pd.DataFrame | list[dict[str, Any]] | Mapping[str, Any]",
        *,
        has_probabilities: bool = False,
        has_scores: bool = False,
        keep: list[str] | None = None,
        timeout_s: float | None = 60.0,
    ) -> "Predictions":
        """Predict for some rows; ``predict_dataset`` is for many.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            rows: A DataFrame, a list of mappings from column to value, one such mapping, or a mapping from column to
                a list of values.
            has_probabilities: Also answer the probability of each class.
            has_scores: Also answer the decision scores.
            keep: Columns of the rows to return beside the predictions, such as an id.
            timeout_s: Seconds to wait where a predictor is not there at once.

        Returns:
            One prediction a row, in their order; ``to_frame()`` has the index of the DataFrame.

        Raises:
            SignatureMismatch: The rows do not fit the model; ``details`` names row and column.
            UnknownModel: There is no such model, alias or version.
            LimitExceeded: Too many rows.
            WaitTimedOut: No predictor has answered.
        """
        from modelbus.client.synchronous.job import Job
        from modelbus.client.typed_answers import Predictions

        asked = {"has_probabilities": has_probabilities, "has_scores": has_scores}
        body = {**rows_body(rows), **{name: True for name, is_asked in asked.items() if is_asked}}
        body |= {"keep": keep} if keep else {}
        call = job_call(path_of("models", model, "predict"), body)
        reply = self._transport.send(call)
        if reply.is_pending:
            job = Job(self._transport, str(call.correlation_id), read_predictions)
            predictions = job.result(timeout_s, progress=False)
        else:
            predictions = record_of(Predictions, reply.document)
        return predictions.with_index(rows.index) if is_frame(rows) else predictions

    def predict_dataset(
        self,
        model: str,
        dataset: str,
        *,
        has_probabilities: bool = False,
        has_scores: bool = False,
        keep: list[str] | None = None,
    ) -> "Job[PredictedTable]":
        """Predict for every row of a dataset; the job that does it.

        Its result is a table: ``(...).result().download("predictions.csv")``, or ``.to_frame()``.

        Raises:
            UnknownModel, UnknownDataset: There is no such thing.
        """
        from modelbus.client.synchronous.table_downloads import read_table

        body = {"dataset": dataset, "has_probabilities": has_probabilities, "has_scores": has_scores}
        body |= {"keep": keep} if keep else {}
        call = job_call(path_of("models", model, "predict"), body)
        return self._start(call, lambda one: read_table(self._transport, one))

    def evaluate(self, model: str, dataset: str, **options: Any) -> "Job[EvaluationRecord]":
        """Measure a version on a dataset that has the target; the job that does it.

        Args:
            model: ``name`` (its champion), ``name@alias`` or ``name@3``.
            dataset: The dataset.
            options: Every other field of the command, such as ``evaluation``: the id of the record.

        Raises:
            UnknownModel, UnknownDataset, EvaluationExists: What is asked for cannot be.
        """
        call = job_call("/evaluations", {"model": model, "dataset": dataset, **options})
        return self._start(call, read_evaluation)

    def evaluate_predictions(
        self, dataset: str, truth: str, prediction: str, *, task: "Task", **options: Any
    ) -> "Job[EvaluationRecord]":
        """Measure predictions that a dataset holds beside the truth; the job that does it.

        Args:
            dataset: The dataset.
            truth: Its column of what was right.
            prediction: Its column of what was predicted.
            task: ``classification``, ``regression``, ...
            options: Every other field of the command, such as ``probabilities``, ``evaluation`` (docs/evaluation.md).

        Raises:
            UnknownDataset, EvaluationExists, InvalidCommand: What is asked for cannot be.
        """
        command = {"dataset": dataset, "truth": truth, "prediction": prediction, "task": task, **options}
        return self._start(job_call("/evaluations", command), read_evaluation)


def _training(
    model: str,
    dataset: str,
    target: str | None,
    estimator: str,
    hyperparameters: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    command = {"model": model, "dataset": dataset, "estimator": estimator, **options}
    if target is not None:
        command["target"] = target
    if hyperparameters:
        command["hyperparameters"] = dict(hyperparameters)
    return command
