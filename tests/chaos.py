"""``python -m tests.chaos --seconds 120``: kill services and servers at random under load, then ask for every job.

Each id that the gateway acknowledged is kept; at the end each must have succeeded, exactly once, with what it made.
Ends with status 1, and says which, when one is lost, failed or done twice. Not collected by pytest: it takes minutes.
"""

import argparse
import http.client
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from pymongo import MongoClient
from pymongo.database import Database
from rich.console import Console

from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import Answer, Api, fresh
from tests.e2e.tables import numbers
from tests.stack_fixtures import QUICK_SETTINGS
from tests.waiting import wait_until

console = Console(highlight=False, soft_wrap=True)

SETTINGS = {**QUICK_SETTINGS, "MODELBUS_MAX_ATTEMPTS": "100"}
"""A job may be unlucky very often before it is given up: here none may be lost at all."""
MEMBERS = ("gateway", "trainer", "predictor", "evaluator", "redis", "mongod")
DAMAGES = {"gateway": 4, "trainer": 5, "predictor": 5, "evaluator": 5, "flush": 4, "redis": 2, "mongod": 1}
"""What is done to the stack, and how often relative to each other."""
MADE_IN = {"TrainModel": "versions", "ProfileDataset": "datasets", "EvaluateModel": "evaluations"}
"""Where a job leaves what it made."""
CLIENTS = 3
ROW = {"a": 1.0, "b": 2.0, "c": 3.0}
OUTSTANDING_LIMIT = 40
"""So many jobs may wait at most, else the end would be waiting for a backlog only."""
SETTLING_S = 300.0


@dataclass
class Ledger:
    """What clients were promised, by correlation id; shared by threads."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """From id to the kind of job."""
    answered: int = 0
    """Interactive predictions that were answered at once."""
    unanswered: Counter[str] = field(default_factory=Counter)
    """What clients saw instead of an answer, before they asked again."""
    wrong: list[str] = field(default_factory=list)
    """Answers that should never be given."""


class Load:
    """Clients that ask for mixed jobs, each again under its id until it is acknowledged."""

    def __init__(self, api: Api, database: Database[Document], dataset: str, model: str, expected: float) -> None:
        self.ledger = Ledger()
        self._api = api
        self._jobs = database["jobs"]
        self._dataset, self._model, self._expected = dataset, model, expected
        self._stopping = threading.Event()
        self._kinds: dict[str, Callable[[dict[str, str]], Answer]] = {
            "train": self._train,
            "profile": self._profile,
            "evaluate": self._evaluate,
            "predict dataset": self._predict_dataset,
            "predict later": self._predict_later,
            "predict now": self._predict_now,
        }
        self._threads = [threading.Thread(target=self._run, name=f"client-{n}") for n in range(CLIENTS)]

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask for nothing new; what is not acknowledged yet is given up."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            kind = random.choice(list(self._kinds))
            self._ask(kind, str(uuid4()))
            self._stopping.wait(0.05 if len(self.ledger.acknowledged) < OUTSTANDING_LIMIT else self._pause_s())

    def _pause_s(self) -> float:
        try:
            waiting = self._jobs.count_documents({"status": {"$in": ["queued", "running"]}})
        except Exception:  # noqa: BLE001 - MongoDB may be dead just now; then it is no time to hurry
            return 1.0
        return 0.05 if waiting < OUTSTANDING_LIMIT else 1.0

    def _ask(self, kind: str, correlation_id: str) -> None:
        headers = {"X-Correlation-ID": correlation_id, "Prefer": "respond-async"}
        while not self._stopping.is_set():
            try:
                answer = self._kinds[kind](headers)
            except (OSError, http.client.HTTPException) as error:
                self._retry(type(error).__name__)
                continue
            if answer.status == 503:
                self._retry("503")
                continue
            self._note(kind, correlation_id, answer)
            return

    def _retry(self, reason: str) -> None:
        self.ledger.unanswered[reason] += 1
        self._stopping.wait(0.3)

    def _note(self, kind: str, correlation_id: str, answer: Answer) -> None:
        if answer.status == 200 and kind == "predict now":
            self.ledger.answered += 1
            if answer.document["predictions"] != [self._expected]:
                self.ledger.wrong.append(f"{kind} {correlation_id}: {answer.body!r}")
        elif answer.status in (200, 201, 202):
            self.ledger.acknowledged[correlation_id] = kind
        else:
            self.ledger.wrong.append(f"{kind} {correlation_id}: {answer.status} {answer.body!r}")

    def _train(self, headers: dict[str, str]) -> Answer:
        command = {
            "model": f"chaos-{headers['X-Correlation-ID']}",
            "dataset": self._dataset,
            "target": "kind",
            "features": ["a", "b", "c"],
            "estimator": "GradientBoostingClassifier",
            "hyperparameters": {"n_estimators": 40},
        }
        return self._api.post("/models", command, headers=headers)

    def _profile(self, headers: dict[str, str]) -> Answer:
        path = f"/datasets?name=chaos-{headers['X-Correlation-ID']}"
        return self._api.post(path, numbers(3000).encode(), headers={**headers, "Content-Type": "text/csv"})

    def _evaluate(self, headers: dict[str, str]) -> Answer:
        return self._api.post("/evaluations", {"model": self._model, "dataset": self._dataset}, headers=headers)

    def _predict_dataset(self, headers: dict[str, str]) -> Answer:
        return self._api.post(f"/models/{self._model}/predict", {"dataset": self._dataset}, headers=headers)

    def _predict_later(self, headers: dict[str, str]) -> Answer:
        return self._api.post(f"/models/{self._model}/predict", {"rows": [ROW]}, headers=headers)

    def _predict_now(self, headers: dict[str, str]) -> Answer:
        given = {name: value for name, value in headers.items() if name != "Prefer"}
        return self._api.post(f"/models/{self._model}/predict", {"rows": [ROW]}, headers=given)


class Vandal:
    """Kills and wipes, every few seconds."""

    def __init__(self, stack: LocalStack, pause_s: float) -> None:
        self.done: Counter[str] = Counter()
        self._stack = stack
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vandal")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until what was killed is back."""
        self._stopping.set()
        self._thread.join()
        for name in MEMBERS:
            self._stack.wait_until_ready(name)

    def _run(self) -> None:
        while not self._stopping.wait(random.uniform(0.2, 2 * self._pause_s)):
            [damage] = random.choices(list(DAMAGES), list(DAMAGES.values()))
            if self._do(damage):
                self.done[damage] += 1
                console.print(f"  {damage}", style="dim")

    def _do(self, damage: str) -> bool:
        if damage != "flush":
            return self._stack.member(damage).process.kill()
        try:
            with redis.Redis.from_url(self._stack.bus_url, socket_timeout=2) as client:
                return bool(client.flushall())
        except redis.RedisError:
            return False  # it is dead just now


def main() -> int:
    """Make chaos; returns the exit status."""
    options = _options()
    random.seed(options.seed)
    console.print(f"seed {options.seed}, {options.seconds:g} seconds")
    with _stack(options.directory) as stack, MongoClient[Document](stack.mongo_url, tz_aware=True) as client:
        load = _prepared(Api(stack.gateway_url), client["modelbus"])
        vandal = Vandal(stack, options.pause_s)
        load.start()
        vandal.start()
        time.sleep(options.seconds)
        load.stop()
        vandal.stop()
        faults = _judge(load.ledger, client["modelbus"])
    return _report(load.ledger, vandal, faults)


@contextmanager
def _stack(directory: Path | None) -> Iterator[LocalStack]:
    with tempfile.TemporaryDirectory() as folder:
        where = (directory or Path(folder)) / ".modelbus"
        with LocalStack(where, environment=SETTINGS, is_persistent=False) as stack:
            yield stack


def _prepared(api: Api, database: Database[Document]) -> Load:
    dataset = api.dataset(numbers(1500), "chaos")
    model = str(
        api.train(dataset, "amount", "Ridge", features=["a", "b", "c"], model=fresh("chaos"))["version"]["model"]
    )
    [expected] = api.post(f"/models/{model}/predict", {"rows": [ROW]}).document["predictions"]
    return Load(api, database, dataset, model, expected)


def _judge(ledger: Ledger, database: Database[Document]) -> list[str]:
    """Wait until every acknowledged job has ended, and tell what is wrong with any."""
    ids = list(ledger.acknowledged)
    query = {"_id": {"$in": ids}, "status": {"$in": ["queued", "running"]}}
    started = time.monotonic()
    try:
        wait_until(lambda: not database["jobs"].count_documents(query), "all jobs end", SETTLING_S)
    except AssertionError as error:
        console.print(str(error))
    console.print(f"settled after {time.monotonic() - started:.1f} s")
    jobs = {job["_id"]: job for job in database["jobs"].find({"_id": {"$in": ids}})}
    return [fault for one in ids if (fault := _fault(one, ledger.acknowledged[one], jobs.get(one), database))]


def _fault(correlation_id: str, kind: str, job: dict[str, Any] | None, database: Database[Document]) -> str | None:
    if job is None:
        return f"{kind} {correlation_id}: LOST, there is no such job"
    if job["status"] != "succeeded":
        return f"{kind} {correlation_id}: {job['status']} after {job['attempt']} attempts: {job['error']}"
    endings = [entry["event"] for entry in job["history"]].count("succeeded")
    if endings != 1:
        return f"{kind} {correlation_id}: succeeded {endings} times"
    if job["command"] in MADE_IN:
        made = database[MADE_IN[job["command"]]].count_documents({"correlation_id": correlation_id})
        if made != 1:
            return f"{kind} {correlation_id}: made {made} documents in {MADE_IN[job['command']]}"
    blobs = (job["result"] or {}).get("blobs", {})
    if any(database["fs.files"].count_documents({"_id": blob}) != 1 for blob in blobs.values()):
        return f"{kind} {correlation_id}: its table is not there"
    return None


def _report(ledger: Ledger, vandal: Vandal, faults: list[str]) -> int:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(ledger.acknowledged.values()).items()))
    damages = ", ".join(f"{count} {name}" for name, count in vandal.done.most_common())
    retries = ", ".join(f"{count} {name}" for name, count in ledger.unanswered.most_common())
    console.print(f"damage:       {vandal.done.total()}: {damages}")
    console.print(f"acknowledged: {len(ledger.acknowledged)}: {kinds}; answered at once: {ledger.answered}")
    console.print(f"asked again:  {ledger.unanswered.total()}: {retries}")
    for fault in [*ledger.wrong, *faults]:
        console.print(fault, style="red")
    if ledger.wrong or faults or not ledger.acknowledged:
        console.print(f"[bold red]{len(faults)} jobs and {len(ledger.wrong)} answers are wrong[/]")
        return 1
    console.print("[green]every acknowledged job succeeded exactly once[/]")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long (default: %(default)s)")
    parser.add_argument(
        "--pause-s", type=float, default=2.0, help="mean seconds between damages (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of the damages; default: another each"
    )
    parser.add_argument("--directory", type=Path, help="keep logs here (default: a temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
