"""The main calls of the HTTP API in order, with Python's standard library alone.

Upload, list estimators, train, predict, create an evaluation by id, wait for its job, read its metrics, delete it,
retrain, delete the model. Start a stack first (`modelbus up`), then:

    python examples/http_requests.py [--url http://127.0.0.1:8000]

The default address is ``MODELBUS_URL``, else that of the local stack running in this folder or above it, else port 8000
of this machine; ``MODELBUS_API_KEY`` is the key. examples/http_requests.md shows the output.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

RUN = uuid4().hex[:8]
"""Part of all names, so that the script can be run repeatedly."""
DATASET, MODEL, EVALUATION = f"flats-{RUN}", f"rents-{RUN}", f"first-look-{RUN}"
DISTRICTS = ("north", "harbour", "old town", "hills")


def flats(count: int) -> str:
    """A table of flats as CSV: a number, a text and a date column, some cells missing, and the rent to predict."""
    lines = ["area,district,built,rent"]
    for number in range(count):
        area = 25 + (number * 37) % 96
        district = number % len(DISTRICTS)
        built = f"{1950 + (number * 13) % 70}-06-01" if number % 9 else ""
        rent = 180 + 11.5 * area + 140 * district + (number * 29) % 41
        lines.append(f"{area},{DISTRICTS[district]},{built},{rent}")
    return "\n".join(lines) + "\n"


def gateway_url() -> str:
    """The default address of the gateway."""
    if url := os.environ.get("MODELBUS_URL"):
        return url
    for folder in (Path.cwd(), *Path.cwd().parents):
        try:
            state = json.loads((folder / ".modelbus/run/state.json").read_text())
            os.kill(state["pid"], 0)  # fails for a stack that was killed
        except (OSError, ValueError):
            continue
        return str(state["gateway_url"])
    return "http://127.0.0.1:8000"


class Gateway:
    """A gateway."""

    def __init__(self, url: str, api_key: str | None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def call(self, method: str, path: str, body: Any = None, media_type: str = "application/json") -> Any:
        """Send a request and print the status; returns the JSON of the answer, None without a body.

        Raises:
            SystemExit: The answer is an error, which is printed.
        """
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        text = self._answer(method, path, data, {"Content-Type": media_type} if data is not None else {})
        return json.loads(text) if text else None

    def read(self, path: str) -> bytes:
        """Download a file.

        Raises:
            SystemExit: The answer is an error, which is printed.
        """
        return self._answer("GET", path, None, {})

    def _answer(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> bytes:
        # the address comes from the user
        request = urllib.request.Request(self.url + path, data, {**self._headers, **headers}, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
                text: bytes = response.read()
                print(f"    {method} {path} -> {response.status}")
                return text
        except urllib.error.HTTPError as error:
            with error:
                sys.exit(f"    {method} {path} -> {error.code}\n{error.read().decode(errors='replace')}")
        except urllib.error.URLError as error:
            sys.exit(f"no answer from {self.url}: {error.reason}; start a stack with `modelbus up`")


def step(title: str) -> None:
    """Print the title of a step."""
    print(f"\n{title}")


def show(**facts: Any) -> None:
    """Print results."""
    for name, value in facts.items():
        print(f"    {name.replace('_', ' ')}: {value}")


def rounded(metrics: dict[str, float | None], *names: str) -> str:
    """Some metrics in one line."""
    return ", ".join(f"{name} {metrics[name]:.3f}" for name in names)


def run(gateway: Gateway) -> None:
    """Make all calls in order."""
    step("1. Upload a CSV file")
    dataset = gateway.call(
        "POST", f"/datasets?{urlencode({'name': DATASET, 'target': 'rent', 'wait': 60})}", flats(240), "text/csv"
    )
    show(rows=dataset["row_count"], columns={column["name"]: column["type"] for column in dataset["columns"]})

    step("2. List the estimators")
    estimators = gateway.call("GET", "/estimators?task=regression")["estimators"]
    ridge = gateway.call("GET", "/estimators/Ridge")
    show(ridge=ridge["description"], hyperparameters=", ".join(sorted(ridge["hyperparameters"]["properties"])))
    assert "Ridge" in {estimator["name"] for estimator in estimators}

    step("3. Train")
    training = {"model": MODEL, "dataset": DATASET, "target": "rent", "estimator": "Ridge"}
    trained = gateway.call("POST", "/models?wait=60", training)
    show(version=trained["version"]["version"], hold_out=rounded(trained["version"]["metrics"], "r2"))

    step("4. Predict")
    rows = [{"area": 60, "district": "harbour", "built": "1999-06-01"}, {"area": 30, "district": "moon", "built": None}]
    answer = gateway.call("POST", f"/models/{MODEL}/predict", {"rows": rows})
    show(rents=[round(rent) for rent in answer["predictions"]], unseen=answer["report"]["unseen"])

    step("5. Create an evaluation by id; a worker computes it")
    accepted = gateway.call("POST", "/evaluations", {"evaluation": EVALUATION, "model": MODEL, "dataset": DATASET})
    task = accepted["correlation_id"]

    step("6. Wait for its job")
    job = gateway.call("GET", f"/jobs/{task}?wait=60")
    show(command=job["command"], status=job["status"], attempts=job["attempt"])

    step("7. Read the evaluation by its id")
    evaluation = gateway.call("GET", f"/evaluations/{EVALUATION}")
    show(rows=evaluation["row_count"], metrics=rounded(evaluation["metrics"], "r2", "mean_absolute_error"))

    step("8. Delete the evaluation")
    gateway.call("DELETE", f"/evaluations/{EVALUATION}")

    step("9. Retrain, with another hyperparameter; the champion changes only if the new version is better")
    retrained = gateway.call(
        "POST", f"/models/{MODEL}/retrain?wait=60", {"hyperparameters": {"alpha": 1000.0}, "promote": "if_better"}
    )
    show(version=retrained["version"]["version"], is_champion=retrained["is_champion"])

    step("10. Delete the model and the dataset")
    gateway.call("DELETE", f"/models/{MODEL}")
    gateway.call("DELETE", f"/datasets/{DATASET}")
    print("\nAll calls were answered.")


def main() -> None:
    """Read the command line and make the calls."""
    parser = argparse.ArgumentParser(description="Make the main calls of the HTTP API in order.")
    parser.add_argument("--url", default=gateway_url(), help="the gateway (default: %(default)s)")
    run(Gateway(parser.parse_args().url, os.environ.get("MODELBUS_API_KEY")))


if __name__ == "__main__":
    main()
