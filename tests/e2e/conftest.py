"""What the end-to-end tests share: the whole stack, its doors, and some datasets and models, whose champions stay."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from pymongo import MongoClient
from pymongo.database import Database

from modelbus import Client
from modelbus.shared.bus import Publisher
from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import Api
from tests.e2e.doors import Door, HttpDoor, QueueDoor
from tests.e2e.heard_events import HeardEvents
from tests.e2e.tables import MESSY, numbers, parcels, scored
from tests.twins import BlockedClient


@pytest.fixture(scope="session")
def api(stack: LocalStack) -> Api:
    """The HTTP door."""
    return Api(stack.gateway_url)


@pytest.fixture(scope="module", params=[Client, BlockedClient], ids=["blocking", "asynchronous"])
def client(request: pytest.FixtureRequest, stack: LocalStack) -> Iterator[Any]:
    """Each twin of the client in turn."""
    with request.param(stack.gateway_url) as client:
        yield client


@pytest.fixture(scope="session")
def publisher(stack: LocalStack) -> Iterator[Publisher]:
    """The queue's door, by the project's own publisher."""
    publisher = Publisher(stack.bus_url, "test")
    yield publisher
    publisher.close()


@pytest.fixture(params=["http", "queue"])
def door(request: pytest.FixtureRequest, api: Api, publisher: Publisher) -> Door:
    """Each door in turn."""
    return HttpDoor(api) if request.param == "http" else QueueDoor(api, publisher)


@pytest.fixture(scope="session")
def broker(stack: LocalStack) -> Iterator[redis.Redis]:
    """Redis itself: the queue's door without any library for messages."""
    # Its own time-out of five seconds would end a longer wait for a message.
    with redis.Redis.from_url(stack.bus_url, socket_timeout=None) as client:
        yield client


@pytest.fixture(scope="session")
def database(stack: LocalStack) -> Iterator[Database[Document]]:
    """MongoDB itself, to look at what HTTP does not show."""
    with MongoClient[Document](stack.mongo_url, tz_aware=True) as client:
        yield client["modelbus"]


@pytest.fixture(scope="session")
def parcel_dataset(api: Api) -> str:
    """A messy dataset."""
    return api.dataset(parcels(), "parcels")


@pytest.fixture(scope="session")
def parcel_model(api: Api, parcel_dataset: str) -> str:
    """A classifier of the messy dataset; predicts from four columns."""
    trained = api.train(
        parcel_dataset,
        "tariff",
        "DecisionTreeClassifier",
        features=["weight", "city", "sent_on", "express"],
        hyperparameters={"max_depth": 6},
    )
    return str(trained["version"]["model"])


@pytest.fixture(scope="session")
def messy_dataset(api: Api) -> str:
    """A small dataset with everything that makes trouble."""
    return api.dataset(MESSY, "messy")


@pytest.fixture(scope="session")
def number_dataset(api: Api) -> str:
    """A clean dataset of 400 rows."""
    return api.dataset(numbers(400), "numbers")


@pytest.fixture(scope="session")
def amount_model(api: Api, number_dataset: str) -> str:
    """A regressor of the clean dataset."""
    trained = api.train(number_dataset, "amount", "Ridge", features=["a", "b", "c"])
    return str(trained["version"]["model"])


@pytest.fixture(scope="session")
def unlabelled_dataset(api: Api) -> str:
    """The columns of the clean dataset, without its targets."""
    return api.dataset("a,b,c\n1.5,2.5,3.5\n-1.0,0.0,1.0\n", "unlabelled")


@pytest.fixture(scope="session")
def scored_dataset(api: Api) -> str:
    """Predictions beside the truth."""
    return api.dataset(scored(), "scored")


@pytest.fixture
def events(stack: LocalStack) -> Iterator[HeardEvents]:
    """What the services tell each other during the test."""
    with HeardEvents(stack.bus_url) as heard:
        yield heard


@pytest.fixture(scope="session")
def slow_model(api: Api) -> str:
    """A regressor that is made in a moment and takes seconds to predict ``many_rows``."""
    # Minkowski distances of an odd order have no shortcut: each row is compared with all others, power by power.
    trained = api.train(
        api.dataset(numbers(4000), "neighbours"),
        "amount",
        "KNeighborsRegressor",
        features=list("abcdef"),
        hyperparameters={"algorithm": "brute", "p": 3},
        hold_out={"fraction": 0.01},
    )
    return str(trained["version"]["model"])


@pytest.fixture(scope="session")
def many_rows(api: Api) -> str:
    """Enough rows to keep the slow model busy for some seconds."""
    return api.dataset(numbers(15_000, seed=12), "many-rows")


@pytest.fixture
def long_lived(api: Api) -> Iterator[str]:
    """A dataset of the test's own that takes seconds to export."""
    columns = [f"c{number}" for number in range(40)]
    lines = (",".join(str((row * 37 + number) / 7) for number in range(40)) + "\n" for row in range(150_000))
    name = api.dataset(",".join(columns) + "\n" + "".join(lines), "exported")
    yield name
    api.delete(f"/datasets/{name}")


@pytest.fixture(scope="session")
def slow_training(api: Api) -> dict[str, Any]:
    """A training command, less its model, whose fit takes some seconds."""
    return {
        "dataset": api.dataset(numbers(3000), "slow"),
        "target": "kind",
        "features": list("abcdef"),
        "estimator": "GradientBoostingClassifier",
        "hyperparameters": {"n_estimators": 250},
    }


@pytest.fixture(scope="session")
def endless_training(slow_training: dict[str, Any]) -> dict[str, Any]:
    """A training command, less its model, whose fit outlasts any test."""
    return {**slow_training, "hyperparameters": {"n_estimators": 10_000, "learning_rate": 0.001}}
