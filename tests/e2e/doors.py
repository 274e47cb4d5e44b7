"""The two doors for commands: HTTP and the queue, with the outcome of a command told alike for both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from modelbus.shared.bus import Publisher
from tests.e2e.api import Answer, Api
from tests.waiting import wait_until

QUEUE_OF = {
    "ProfileDataset": "profile",
    "TrainModel": "train",
    "CheckTraining": "check",
    "RetrainModel": "train",
    "Predict": "predict",
    "PredictDataset": "predict.bulk",
    "EvaluateModel": "evaluate",
    "EvaluatePredictions": "evaluate",
    "ExplainModel": "evaluate",
    "ExplainPrediction": "evaluate",
    "MeasureLearningCurve": "train",
    "ReportDrift": "evaluate",
    "ReadRows": "read",
    "ExportDataset": "export",
}


ROUTE_OF = {
    "RetrainModel": "retrain",
    "Predict": "predict",
    "PredictDataset": "predict",
    "ExplainModel": "explain",
    "ExplainPrediction": "predict/explain",
    "MeasureLearningCurve": "learning-curve",
    "ReportDrift": "drift",
}
"""Of commands about a model, what comes after its reference."""


@dataclass(frozen=True)
class Outcome:
    """What became of a command."""

    status: str
    """``succeeded`` or ``failed``; a command that HTTP refuses at once counts as failed."""
    result: dict[str, Any] | None = None
    code: str | None = None
    message: str | None = None
    places: tuple[str, ...] = ()


class HttpDoor:
    """Sends commands as requests."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def send(self, command: Mapping[str, Any], correlation_id: str | None = None) -> Outcome:
        """Send a command and tell what became of it."""
        answer = self.ask(command, correlation_id or str(uuid4()))
        if answer.status >= 400:
            return Outcome("failed", None, answer.code, answer.detail, tuple(answer.places))
        return _outcome(self._api.ended_job(answer.correlation_id))

    def ask(self, command: Mapping[str, Any], correlation_id: str) -> Answer:
        """Send a command; gives the first answer: that it is accepted, or how it is refused."""
        headers = {"X-Correlation-ID": correlation_id, "Prefer": "respond-async"}
        body = dict(command)
        name = body.pop("command")
        path = self._path(name, body)
        if name in ("ReadRows", "ExportDataset"):
            return self._api.get(f"{path}?{urlencode(body, doseq=True)}", headers=headers)
        if name == "ProfileDataset":
            text = body["source"]["text"].encode()
            return self._api.post(path, text, headers={**headers, "Content-Type": "text/csv"})
        return self._api.post(path, body, headers=headers)

    @staticmethod
    def _path(name: str, body: dict[str, Any]) -> str:
        """The route of a command; what the route says leaves the body."""
        if name == "TrainModel":
            return "/models"
        if name == "CheckTraining":
            return "/models/validate"
        if name in ("EvaluateModel", "EvaluatePredictions"):
            return "/evaluations"
        if name == "ProfileDataset":
            return f"/datasets?name={body['dataset']}"
        if name in ("ReadRows", "ExportDataset"):
            return f"/datasets/{body.pop('dataset')}/{'rows' if name == 'ReadRows' else 'content'}"
        return f"/models/{body.pop('model')}/{ROUTE_OF[name]}"


class QueueDoor:
    """Puts commands on their queues."""

    def __init__(self, api: Api, publisher: Publisher) -> None:
        self._api = api
        self._publisher = publisher

    def send(self, command: Mapping[str, Any], correlation_id: str | None = None) -> Outcome:
        """Send a command and tell what became of it."""
        correlation_id = correlation_id or str(uuid4())
        self._publisher.send(QUEUE_OF[command["command"]], command, correlation_id=correlation_id)
        wait_until(lambda: self._api.get(f"/jobs/{correlation_id}").status == 200, "the command is recorded", 60)
        return _outcome(self._api.ended_job(correlation_id))


Door = HttpDoor | QueueDoor


def _outcome(job: Mapping[str, Any]) -> Outcome:
    error = job["error"]
    if error is None:
        return Outcome(job["status"], job["result"])
    places = tuple(detail["where"] for detail in error["details"])
    return Outcome(job["status"], job["result"], error["code"], error["message"], places)
