"""The keywords of the client's methods: the contracts' fields, and a clear error for every other one."""

import inspect
import typing
from collections.abc import Callable
from typing import Any, get_args, get_origin

import numpy as np
import pytest
from pydantic import TypeAdapter

from modelbus import AsyncClient, Client, errors
from modelbus.client.arguments import options
from modelbus.client.calls import job_call
from modelbus.client.json_bytes import json_of
from modelbus.client.synchronous.datasets import Datasets
from modelbus.client.synchronous.models import Models
from modelbus.shared import contracts
from modelbus.shared.contracts import base, metric_names, number_forms
from modelbus.shared.contracts.commands import datasets, drift, evaluation, explanation, training, tuning

MODULES = (
    contracts,
    base,
    metric_names,
    number_forms,
    drift,
    training,
    tuning,
    evaluation,
    explanation,
    datasets,
    options,
)
NAMES = {name: value for module in MODULES for name, value in vars(module).items()}
NAMES |= {name: getattr(contracts, name) for name in contracts.__all__}
OF_CLIENT = {"command", "contract"}
"""Fields that the client fills in."""

METHODS: list[tuple[Callable[..., Any], type[Any]]] = [
    (Client.train, contracts.TrainModel),
    (Client.check_training, contracts.CheckTraining),
    (Client.evaluate, contracts.EvaluateModel),
    (Client.evaluate_predictions, contracts.EvaluatePredictions),
    (Client.explain, contracts.ExplainModel),
    (Client.explain_prediction, contracts.ExplainPrediction),
    (Client.learning_curve, contracts.MeasureLearningCurve),
    (Client.drift, contracts.ReportDrift),
    (Client.predict, contracts.Predict),
    (Client.predict_dataset, contracts.PredictDataset),
    (Models.retrain, contracts.RetrainModel),
    (Datasets.upload, contracts.ParseOptions),
    (Datasets.start_upload, contracts.ParseOptions),
    (Datasets.preview, contracts.ParseOptions),
]
WITHOUT_ID = {contracts.Predict, contracts.PredictDataset, contracts.ParseOptions}
RENAMED = {"reference": "model"}


@pytest.mark.parametrize(("method", "command"), METHODS)
def test_the_keywords_of_a_method_are_the_fields_of_its_command(method: Callable[..., Any], command: type[Any]) -> None:
    keywords = {RENAMED.get(name, name) for name in inspect.signature(method).parameters}
    fields = command.model_fields.keys() - OF_CLIENT
    assert fields - keywords == ({"correlation_id"} & fields if command in WITHOUT_ID else set())
    beside = {"self", "timeout_s", "progress", "source", "name", "format", "target", "options", "if_exists", "force"}
    assert keywords - fields <= beside | {"row_limit"}


def options_of(method: Callable[..., Any]) -> Any:
    """The class of a method's options; None without any."""
    raw = inspect.signature(inspect.unwrap(method)).parameters.values()
    found = [get_args(one.annotation)[0] for one in raw if get_origin(one.annotation) is typing.Unpack]
    return found[0] if found else None


def kinds(schema: Any, definitions: dict[str, Any]) -> set[str]:
    """Which kinds of JSON a schema allows; of a choice, each choice."""
    if "$ref" in schema:
        return kinds(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return set().union(*(kinds(one, definitions) for one in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return {repr(one) for one in schema.get("enum", [schema.get("const")])}
    found = schema["type"]
    return {"object"} if "properties" in schema else set(found if isinstance(found, list) else [found])


def kinds_of(annotation: Any) -> set[str]:
    schema = TypeAdapter(annotation).json_schema()
    return kinds(schema, schema.get("$defs", {}))


@pytest.mark.parametrize(("method", "command"), [one for one in METHODS if options_of(one[0]) is not None])
def test_a_keywords_type_is_that_of_the_commands_field(method: Callable[..., Any], command: type[Any]) -> None:
    hints = typing.get_type_hints(options_of(method), localns=NAMES)
    assert hints
    for name, hint in hints.items():
        field = command.model_fields[name]
        annotation = typing.Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        assert kinds_of(hint) == kinds_of(annotation), name


MISSPELT = [
    (lambda client: client.train("m", "d", estimater="x"), "train has no option 'estimater'; did you mean estimator?"),
    (lambda client: client.train("m", "d", estimator="x", cross_validaton={}), "did you mean cross_validation?"),
    (lambda client: client.train("m", "d", "t", estimator="Ridge", Seed=1), "did you mean seed?"),
    (lambda client: client.train("m", "d", estimator="x", alpha=1), "goes into hyperparameters={'alpha': ...}"),
    (lambda client: client.check_training("m", "d", estimator="x", hyperparameter={}), "did you mean hyperparameters?"),
    (lambda client: client.predict("m", [{}], has_probability=True), "did you mean has_probabilities?"),
    (lambda client: client.evaluate("m", "d", interval={}), "did you mean intervals?"),
    (lambda client: client.explain("m", repeat=1), "did you mean repeats?"),
    (lambda client: client.drift("m", sinc="7d"), "did you mean since?"),
    (lambda client: client.learning_curve("m", fraction=[1.0]), "did you mean fractions?"),
    (lambda client: client.models.retrain("m", hyperparams={}), "did you mean hyperparameters?"),
    (lambda client: client.datasets.upload(b"a", "x", delimeter=";"), "did you mean delimiter?"),
    (lambda client: client.datasets.upload(b"a", "x", ifexists="skip"), "did you mean if_exists?"),
    (lambda client: client.datasets.list(page=1), "list has no option 'page'; it has none"),
    (lambda client: client.jobs.list(state="failed"), "did you mean status?"),
    (lambda client: Client(api_kye="x"), "Client has no option 'api_kye'; did you mean api_key?"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "sentence"), MISSPELT)
def test_a_misspelt_option_is_refused_with_the_near_one(call: Callable[[Any], Any], sentence: str) -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(errors.WrongArgument) as caught:
        call(client)
    assert sentence in str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert caught.value.details[0]["problem"] == "there is no such option"


WRONG = [
    (lambda client: client.train(None, "d", estimator="Ridge"), "train: model must be text, not None"),
    (lambda client: client.predict(3, [{}]), "predict: model must be text, not 3 (int)"),
    (lambda client: client.predict("m", [{}], has_scores="yes"), "has_scores must be True or False"),
    (lambda client: client.predict("m", [{}], timeout_s="1"), "timeout_s must be a number or None"),
    (lambda client: client.predict("", [{}]), "a name is required"),
    (lambda client: client.models.version(None), "reference must be text, not None"),
    (lambda client: client.datasets.get(""), "a name is required"),
    (lambda client: client.datasets.rows("d", limit=True), "limit must be a whole number, not True"),
    (lambda client: client.datasets.upload(b"a", "x", if_exists="keep"), "must be one of error, skip, replace"),
    (lambda client: client.datasets.upload(b"a", "x", force=True), "force is for if_exists='replace'"),
    (lambda client: client.evaluations.compare("first"), "must be a list of ids"),
    (lambda client: client.jobs.get(None), "correlation_id must be text"),
    (lambda client: client.train("m", "d", estimator="x", hyperparameters={"a": object()}), "cannot be sent"),
    (lambda client: Client(api_key="naïve"), "the API key has characters"),
    (lambda client: Client(retry_s="1"), "retry_s must be a number"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "sentence"), WRONG)
def test_a_wrong_argument_is_refused_before_anything_is_sent(call: Callable[[Any], Any], sentence: str) -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(errors.WrongArgument) as caught:
        call(client)
    assert sentence in str(caught.value)


async def test_the_asynchronous_client_refuses_alike() -> None:
    async with AsyncClient("http://127.0.0.1:1") as client:
        with pytest.raises(errors.WrongArgument, match=r"did you mean estimator\?"):
            await client.train("m", "d", "t", estimater="Ridge")  # type: ignore[call-arg]
        assert inspect.iscoroutinefunction(client.train)


def test_numbers_of_numpy_are_numbers() -> None:
    with Client("http://127.0.0.1:1", retry_s=np.float64(0)) as client, pytest.raises(errors.GatewayUnreachable):
        client.datasets.rows("d", limit=np.int64(3))  # type: ignore[arg-type]
    assert (
        json_of({"a": np.int64(3), "b": np.array([1.5, np.nan]), "c": np.bool_(True)})
        == b'{"a":3,"b":[1.5,null],"c":true}'
    )


def test_a_given_correlation_id_is_the_jobs() -> None:
    call = job_call("/models", {"model": "m", "correlation_id": "0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11"})
    assert call.correlation_id == "0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11"
    assert call.body == {"model": "m"}
    assert job_call("/models/m/explain", {}, has_own_id=False).correlation_id is None


def test_an_error_says_its_correlation_id() -> None:
    error = errors.UnknownModel("there is no model named 'm'")
    assert str(error) == "there is no model named 'm'"
    error.correlation_id = "0b5c1e0e"
    assert str(error) == "there is no model named 'm' (correlation id 0b5c1e0e)"
    assert error.message == "there is no model named 'm'"
