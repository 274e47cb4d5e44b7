"""The demo's tables, made from scikit-learn's bundled data, and scikit-learn's own scores on them.

Each table is split once: the first part is uploaded to train on, the second to measure on. The reference fits the very
rows that the trainer fits (it keeps a fifth of the first part out, with the same seed) and scores the same second part.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SEED = 7


@dataclass(frozen=True)
class DemoTable:
    """One table, and the model that is trained on it."""

    name: str
    about: str
    frame: pd.DataFrame
    target: str
    estimator: str
    metric: str
    reference: Callable[[], Any]
    """Makes the estimator or pipeline of scikit-learn alone."""
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 0.0
    """The largest difference between the two scores; 0 where both see the same numbers."""

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.metric == "accuracy"

    def parts(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows to train on and the rows to measure on."""
        first, second = train_test_split(
            self.frame, test_size=0.25, random_state=SEED, stratify=self._strata(self.frame)
        )
        return first.reset_index(drop=True), second.reset_index(drop=True)

    def reference_score(self) -> float:
        """Scikit-learn's own score on the second part, fitted on the rows that the trainer fits."""
        first, second = self.parts()
        fitted_rows, _ = train_test_split(first, test_size=0.2, random_state=SEED, stratify=self._strata(first))
        model = self.reference()
        model.fit(fitted_rows.drop(columns=self.target), fitted_rows[self.target])
        answers = model.predict(second.drop(columns=self.target))
        measure = accuracy_score if self.is_classification else r2_score
        return float(measure(second[self.target], answers))

    def _strata(self, frame: pd.DataFrame) -> Any:
        return frame[self.target] if self.is_classification else None


def demo_tables() -> list[DemoTable]:
    """The three tables: clean numbers with two classes, a messy one with three classes, and a regression."""
    return [_tumours(), _wines(), _diabetes()]


def _tumours() -> DemoTable:
    frame = load_breast_cancer(as_frame=True).frame
    frame["target"] = np.where(frame.pop("target") == 1, "benign", "malignant")
    return DemoTable(
        name="tumours",
        about="breast cancer: 30 measurements, benign or malignant",
        frame=frame.rename(columns={"target": "diagnosis"}),
        target="diagnosis",
        estimator="RandomForestClassifier",
        hyperparameters={"n_estimators": 200},
        metric="accuracy",
        # The encoder scales what it passes on, and a tree's threshold may then round to the other side of a value.
        tolerance=0.02,
        reference=lambda: RandomForestClassifier(n_estimators=200, random_state=SEED),
    )


def _wines() -> DemoTable:
    bundle = load_wine(as_frame=True)
    frame = bundle.frame
    random = np.random.default_rng(SEED)
    frame["cultivar"] = frame.pop("target").map({0: "Barolo", 1: "Grignolino", 2: "Barbera"})
    # What tables from the world have: text, dates, and holes.
    frame["body"] = pd.cut(frame.pop("alcohol"), [0, 12.5, 13.3, 20], labels=["light", "medium", "full"]).astype(str)
    frame["bottled"] = pd.Timestamp("2019-03-01") + pd.to_timedelta(random.integers(0, 900, len(frame)), unit="D")
    frame["bottled"] = frame["bottled"].dt.strftime("%d.%m.%Y")
    for column in ("malic_acid", "magnesium", "body"):
        frame.loc[random.random(len(frame)) < 0.12, column] = None
    numbers = frame.select_dtypes("number").columns
    return DemoTable(
        name="wines",
        about="wine: measurements with holes, a text and a date column, three cultivars",
        frame=frame,
        target="cultivar",
        estimator="HistGradientBoostingClassifier",
        metric="accuracy",
        # scikit-learn's own pipeline encodes the text alike, and leaves the dates out.
        tolerance=0.07,
        reference=lambda: make_pipeline(
            make_column_transformer(
                (SimpleImputer(strategy="median"), list(numbers)),
                (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["body"]),
            ),
            HistGradientBoostingClassifier(random_state=SEED),
        ),
    )


def _diabetes() -> DemoTable:
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "progression"})
    return DemoTable(
        name="diabetes",
        about="diabetes: ten measurements, the disease's progression after a year",
        frame=frame,
        target="progression",
        estimator="Ridge",
        hyperparameters={"alpha": 0.5},
        metric="r2",
        tolerance=0.005,
        reference=lambda: make_pipeline(StandardScaler(), Ridge(alpha=0.5, random_state=SEED)),
    )
