"""`auto` beside FLAML and AutoGluon: the same rows, cores, seconds and metric, one system at a time.

Each system runs in a process of its own, the other two in environments of their own (``auto_environments.py``). What
was measured is kept in the cache, so that a run which was ended goes on where it was; ``--fresh`` measures Modelbus
anew.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.metrics import r2_score, roc_auc_score

from benchmarks.auto.auto_environments import cache_directory, environment
from benchmarks.auto.auto_report import report
from benchmarks.auto.auto_tables import TABLES, TARGET

SYSTEMS = ("modelbus", "flaml", "autogluon")
DEFAULTS = "defaults"
_FOLDER = Path(__file__).parent
_ROOT = _FOLDER.parents[1]
_MODELBUS = (sys.executable, "-m", "benchmarks.auto.auto_modelbus")
_GRACE_S = 240


@dataclass(frozen=True)
class Run:
    """The result of one system on one table."""

    table: str
    system: str
    """One of ``SYSTEMS``, or the name of an estimator with its defaults."""
    budget_s: float
    """Its budget; for a default, its limit."""
    score: float | None
    """R2, or the area under the ROC curve (mean over the classes, each against the rest); None if it failed."""
    fit_s: float
    turn: int = 0
    """The split; small tables are split several times."""


def main(budgets_s: Sequence[float], tables: Sequence[str], systems: Sequence[str], *, is_fresh: bool) -> None:
    """Measure what is not in the cache, print the table, and write it into README.md.

    Args:
        budgets_s: Seconds that each system has.
        tables: Names; none for all.
        systems: Systems to measure; none for all. The others are read from the cache.
        is_fresh: Whether to measure Modelbus again, whatever the cache holds.
    """
    chosen = list(tables) or list(TABLES)
    _write_tables(chosen)
    store = _Store(cache_directory() / "results.jsonl", is_fresh=is_fresh)
    turns = [(table, turn) for table in chosen for turn in range(TABLES[table].turns)]
    for budget_s in budgets_s:
        for table, turn in turns:
            for system in systems or (DEFAULTS, *SYSTEMS):
                # a default is measured once, with the longest of the times
                allowed_s = max(budgets_s) if system == DEFAULTS else budget_s
                for run in store.found(table, turn, system, allowed_s) or _measured(table, turn, system, allowed_s):
                    store.keep(run)
    tell(budgets_s, tables)


def tell(budgets_s: Sequence[float], tables: Sequence[str]) -> None:
    """Print the table of what is in the cache, and write it into README.md."""
    store = _Store(cache_directory() / "results.jsonl", is_fresh=False)
    report(store.runs, [float(one) for one in budgets_s], list(tables) or list(TABLES), _FOLDER.parent / "README.md")


class _Store:
    """The runs that were measured, one JSON object a line; of equal ones the last counts."""

    def __init__(self, path: Path, *, is_fresh: bool) -> None:
        self._path = path
        self._is_fresh = is_fresh
        self._runs: dict[tuple[str, int, str, float], Run] = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            self._note(Run(**json.loads(line)))

    @property
    def runs(self) -> list[Run]:
        return list(self._runs.values())

    def found(self, table: str, turn: int, system: str, budget_s: float) -> list[Run]:
        """The known runs."""
        if system == DEFAULTS:
            here = [one for one in self.runs if (one.table, one.turn) == (table, turn)]
            defaults = [one for one in here if one.system not in SYSTEMS]
            return defaults if any(one.budget_s >= budget_s for one in defaults) else []
        known = self._runs.get((table, turn, system, budget_s))
        return [] if known is None or (self._is_fresh and system == "modelbus") else [known]

    def keep(self, run: Run) -> None:
        """Store a run, unless it is known."""
        if self._runs.get(_key(run)) != run:
            self._note(run)
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(run)) + "\n")

    def _note(self, run: Run) -> None:
        self._runs[_key(run)] = run


def _key(run: Run) -> tuple[str, int, str, float]:
    return run.table, run.turn, run.system, run.budget_s


def _write_tables(names: Sequence[str]) -> None:
    directory = cache_directory() / "data"
    directory.mkdir(exist_ok=True)
    missing = [name for name in names if not (directory / f"{name}.{TABLES[name].turns - 1}.test.parquet").exists()]
    if missing:
        script = str(_FOLDER / "auto_tables.py")
        subprocess.run([environment("tables"), "-W", "ignore", script, str(directory), *missing], check=True)


def _measured(table: str, turn: int, system: str, budget_s: float) -> Iterator[Run]:
    """Run a system; a default estimator each, where those are asked for."""
    data, answers = cache_directory() / "data", cache_directory() / "answers"
    paths = [str(data / f"{table}.{turn}.{part}.parquet") for part in ("train", "test")]
    task = TABLES[table].task
    if system == DEFAULTS:
        yield from _defaults((table, turn), paths, task, answers, budget_s)
        return
    script = [*_MODELBUS]
    if system != "modelbus":
        script = [str(environment(system)), str(_FOLDER / f"auto_{system}.py")]
    answers.unlink(missing_ok=True)
    started = time.perf_counter()
    printed = _printed([*script, *paths, task, f"{budget_s:g}", str(answers)], budget_s + _GRACE_S)
    fit_s = next((float(line[6:]) for line in printed if line.startswith("fit_s=")), time.perf_counter() - started)
    score = _score(pd.read_parquet(paths[1])[TARGET], pd.read_parquet(answers)) if answers.exists() else None
    shown = "failed" if score is None else f"{score:.4f}"
    print(f"{table:18} {turn} {system:10} {budget_s:4g} s: {shown} after {fit_s:.1f} s")
    yield Run(table, system, budget_s, score, round(fit_s, 2), turn)


def _defaults(table: tuple[str, int], paths: list[str], task: str, answers: Path, limit_s: float) -> Iterator[Run]:
    script = [
        sys.executable,
        "-m",
        "benchmarks.auto.auto_modelbus",
        *paths,
        DEFAULTS,
        task,
        f"{limit_s:g}",
        str(answers),
    ]
    truth = pd.read_parquet(paths[1])[TARGET]
    for line in _printed(script, 20 * limit_s):
        if line.startswith("default "):
            _, name, fit_s = line.split()
            score = _score(truth, pd.read_parquet(f"{answers}.{name}"))
            print(f"{table[0]:18} {table[1]} {name}: {score:.4f} after {float(fit_s):.1f} s")
            yield Run(table[0], name, limit_s, score, round(float(fit_s), 2), table[1])


def _printed(script: list[str], timeout_s: float) -> list[str]:
    done = subprocess.run(
        script, capture_output=True, text=True, check=False, timeout=timeout_s, cwd=_FOLDER.parents[1]
    )
    if done.returncode:
        print(done.stderr[-2000:])
    return done.stdout.splitlines()


def _score(truth: Any, answers: Any) -> float:
    if "answer" in answers:
        return float(r2_score(truth, answers["answer"]))
    classes = sorted(truth.unique())
    probabilities = answers[classes].to_numpy()
    if len(classes) == 2:
        return float(roc_auc_score(truth == classes[1], probabilities[:, 1]))
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)  # within the rounding of 32 bits
    return float(roc_auc_score(truth, probabilities, multi_class="ovr", labels=classes))
