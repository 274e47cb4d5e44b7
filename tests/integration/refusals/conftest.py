"""What the tests of refusals share: both doors without a consumer, and the tables and models that commands name."""

import gc
import warnings
from collections.abc import Iterator
from uuid import uuid4

import pytest
from pymongo import MongoClient

from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document
from modelbus.shared.store.indexes import create_indexes
from modelbus.shared.store.records.library import Library
from modelbus.stack import LocalStack
from modelbus.trainer.catalogue.entries import catalogue, left_out
from tests.e2e.api import Api
from tests.e2e.tables import numbers, parcels, scored
from tests.integration.refusals.direct_doors import DirectDoors


@pytest.fixture(scope="package")
def doors(
    servers: LocalStack, mongo: MongoClient[Document], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DirectDoors]:
    """Both doors, with a database and a broker of their own, in which nobody takes what is accepted."""
    name, bus_url = f"refusals-{uuid4().hex[:12]}", servers.bus_url.removesuffix("/0") + "/2"
    given = {"mongo_url": servers.mongo_url, "mongo_database": name, "bus_url": bus_url}
    create_indexes(mongo[name])
    Library(mongo[name]).declare_estimators(catalogue(), left_out())
    folder = tmp_path_factory.mktemp("refusals") / ".modelbus"
    with LocalStack(
        folder,
        services=("gateway",),
        bus_url=bus_url,
        mongo_url=servers.mongo_url,
        environment={"MODELBUS_MONGO_DATABASE": name},
    ) as gateway:
        yield DirectDoors(Api(gateway.gateway_url), mongo[name], Settings.model_validate(given))
    mongo.drop_database(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # what handlers left open is no business of the tests that follow


@pytest.fixture(scope="package")
def parcel_dataset(doors: DirectDoors) -> str:
    """A messy dataset."""
    return doors.dataset(parcels(), "parcels")


@pytest.fixture(scope="package")
def number_dataset(doors: DirectDoors) -> str:
    """A clean dataset of 400 rows."""
    return doors.dataset(numbers(400), "numbers")


@pytest.fixture(scope="package")
def unlabelled_dataset(doors: DirectDoors) -> str:
    """The columns of the clean dataset, without its targets."""
    return doors.dataset("a,b,c\n1.5,2.5,3.5\n-1.0,0.0,1.0\n", "unlabelled")


@pytest.fixture(scope="package")
def scored_dataset(doors: DirectDoors) -> str:
    """Predictions beside the truth."""
    return doors.dataset(scored(), "scored")


@pytest.fixture(scope="package")
def parcel_model(doors: DirectDoors, parcel_dataset: str) -> str:
    """A classifier of the messy dataset; predicts from four columns."""
    return doors.model(
        parcel_dataset,
        target="tariff",
        estimator="DecisionTreeClassifier",
        features=["weight", "city", "sent_on", "express"],
        hyperparameters={"max_depth": 6},
    )


@pytest.fixture(scope="package")
def amount_model(doors: DirectDoors, number_dataset: str) -> str:
    """A regressor of the clean dataset."""
    return doors.model(number_dataset, target="amount", estimator="Ridge", features=["a", "b", "c"])
