"""From a messy table to a model that is tuned, evaluated, explained and monitored, over HTTP alone.

The script tunes two models on the same rows, evaluates both on held-out rows, and compares them. It explains the better
one and one of its predictions, measures its learning curve, and reports drift on similar and on shifted rows. It saves
the plots of each step. Start a stack first (`make up`), then:

    python examples/model_study.py [--url http://127.0.0.1:8000] [--out study]

All answers and plots go to the folder ``--out``.
"""

import argparse
import json
import os
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from http_requests import Gateway, gateway_url, show, step

RUN = uuid4().hex[:8]
"""Part of all names, so that the script can run repeatedly on one stack."""
PLANS = ("basic", "plus", "pro")
REGIONS = ("north", "Süd", "east, coast", "west")
CUSTOMER = {"tenure": 3, "plan": "basic", "region": "Süd", "joined": "2024-05-17", "spend": 79.5, "newsletter": "no"}
FOREST = {
    "estimator": "RandomForestClassifier",
    "hyperparameters": {"n_estimators": 60},
    "search": {
        "method": "grid",
        "scoring": "roc_auc",
        "space": {"max_depth": {"values": [3, 8]}, "min_samples_leaf": {"values": [1, 10]}},
        "cross_validation": {"folds": 3},
    },
}
LINEAR = {
    "estimator": "LogisticRegression",
    "search": {
        "method": "random",
        "candidates": 6,
        "scoring": "roc_auc",
        "space": {"C": {"distribution": "log_uniform", "low": 0.001, "high": 100.0}},
        "cross_validation": {"folds": 3},
    },
}


def customers(count: int, seed: int, *, is_shifted: bool = False) -> str:
    """A messy table as CSV: missing numbers, text with commas, dates, and the target ``left``."""
    draw = random.Random(seed)  # noqa: S311 - a table, not a secret
    lines = ["customer,tenure,plan,region,joined,spend,newsletter,left"]
    for number in range(count):
        tenure = draw.randint(0, 60)
        plan = draw.choice(PLANS[1:] if is_shifted else PLANS)
        spend = draw.gauss(70 if is_shifted else 45, 12)
        region = draw.choice(REGIONS)
        joined = f"20{draw.randint(14, 25)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
        newsletter = draw.choice(["yes", "no", ""])
        risk = 0.9 - tenure / 40 + (0.5 if plan == "basic" else 0) + (spend - 45) / 60 + draw.gauss(0, 0.35)
        shown = "" if draw.random() < 0.08 else f"{spend:.2f}"
        quoted = f'"{region}"' if "," in region else region
        lines.append(
            f"C{number:05d},{tenure},{plan},{quoted},{joined},{shown},{newsletter},{'gone' if risk > 0.5 else 'kept'}"
        )
    return "\n".join(lines) + "\n"


TABLES = {
    "customers": customers(900, seed=1),
    "held-out": customers(400, seed=2),
    "shifted": customers(400, seed=3, is_shifted=True),
}


class Study:
    """The requests and their answers."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self._gateway = gateway
        self._folder = folder
        self.answers: dict[str, Any] = {}

    def run(self) -> None:
        """Run all steps."""
        self._folder.mkdir(parents=True, exist_ok=True)
        step("1. Upload tables for training and evaluation, and one with drift")
        for name, table in TABLES.items():
            query = urlencode({"name": f"{name}-{RUN}", "target": "left", "wait": 60})
            self._keep(name, self._gateway.call("POST", f"/datasets?{query}", table, "text/csv"))
        step("2. Tune two models")
        for name, training in (("forest", FOREST), ("linear", LINEAR)):
            self._tune(name, training)
        step("3. Evaluate both on held-out rows")
        for name in ("forest", "linear"):
            self._evaluate(name)
        step("4. Compare them")
        self._compare()
        winner = self.answers["winner"]
        step(f"5. Save the plots of the {winner}")
        self._draw(f"/evaluations/{winner}-{RUN}/plots")
        step("6. Explain the model and one of its predictions")
        self._explain(winner)
        self._explain_prediction(winner)
        step("7. Measure the learning curve")
        self._measure_learning(winner)
        step("8. Report drift")
        for name in ("held-out", "shifted"):
            self._report_drift(winner, name)
        (self._folder / "answers.json").write_text(json.dumps(self.answers, indent=2))
        print(f"\nAll answers and plots are in {self._folder}.")

    def _keep(self, name: str, answer: Any) -> Any:
        self.answers[name] = answer
        return answer

    def _tune(self, name: str, training: dict[str, Any]) -> None:
        given = {"model": f"{name}-{RUN}", "dataset": f"customers-{RUN}", "target": "left", "exclude": ["customer"]}
        version = self._gateway.call("POST", "/models?wait=60", {**given, **training})["version"]
        self._keep(name, version)
        tried = self._gateway.call("GET", f"/models/{version['model']}/versions/1/candidates")
        best = self._keep(f"{name}-candidates", tried)["candidates"][0]
        show(candidates=len(tried["candidates"]), best=best["hyperparameters"], cross_validated=f"{best['mean']:.3f}")

    def _evaluate(self, name: str) -> None:
        asked = {"evaluation": f"{name}-{RUN}", "model": f"{name}-{RUN}", "dataset": f"held-out-{RUN}"}
        options = {"slices": ["plan"], "intervals": {"rounds": 100}, "best_threshold": {"metric": "f1"}}
        record = self._gateway.call("POST", "/evaluations?wait=60", {**asked, **options, "positive_class": "gone"})
        interval = self._keep(f"{name}-evaluation", record)["intervals"]["roc_auc"]
        show(roc_auc=f"{record['metrics']['roc_auc']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})")

    def _compare(self) -> None:
        query = urlencode([("id", f"forest-{RUN}"), ("id", f"linear-{RUN}")])
        compared = self._keep("comparison", self._gateway.call("GET", f"/evaluations/compare?{query}"))
        (ranked,) = [one for one in compared["metrics"] if one["metric"] == "roc_auc"]
        winner = self._keep("winner", ranked["best"][0].removesuffix(f"-{RUN}"))
        show(roc_auc=dict(zip(("forest", "linear"), [round(value, 3) for value in ranked["values"]], strict=True)))
        show(better=winner)

    def _draw(self, place: str) -> None:
        plots = self._gateway.call("GET", place)["plots"]
        for plot in plots:
            (self._folder / f"{plot['name']}.svg").write_bytes(self._gateway.read(plot["svg"]))
            (self._folder / f"{plot['name']}.json").write_bytes(self._gateway.read(plot["json"]))
        show(plots=", ".join(plot["name"] for plot in plots) or "none")

    def _explain(self, name: str) -> None:
        asked = {"dataset": f"held-out-{RUN}", "column_limit": 3}
        explained = self._gateway.call("POST", f"/models/{name}-{RUN}/explain?wait=60", asked)
        most = self._keep("model-explanation", explained)["importance"]["columns"][:3]
        show(**{column["column"]: f"{column['mean']:.3f}" for column in most})
        self._draw(f"/jobs/{explained['correlation_id']}/plots")

    def _measure_learning(self, name: str) -> None:
        asked = {"fractions": [0.25, 0.5, 1.0]}
        curve = self._gateway.call("POST", f"/models/{name}-{RUN}/learning-curve?wait=60", asked)
        (ranked,) = [one for one in self._keep("learning-curve", curve)["curves"] if one["name"] == "roc_auc"]
        show(roc_auc=dict(zip(curve["x"], [round(value, 3) for value in ranked["hold_out"]], strict=True)))
        self._draw(f"/jobs/{curve['correlation_id']}/plots")

    def _explain_prediction(self, name: str) -> None:
        asked = {"rows": [CUSTOMER]}
        explained = self._gateway.call("POST", f"/models/{name}-{RUN}/predict/explain?wait=60", asked)
        (of_row,) = self._keep("explanation", explained)["rows"]
        explanation = of_row["explanations"][0]
        show(prediction=of_row["prediction"], probability=f"{explanation['value']:.3f}")
        for column in sorted(explanation["columns"], key=lambda one: -abs(one["contribution"]))[:3]:
            show(**{column["column"]: f"{column['contribution']:+.3f}"})

    def _report_drift(self, name: str, dataset: str) -> None:
        asked = {"dataset": f"{dataset}-{RUN}"}
        report = self._gateway.call("POST", f"/models/{name}-{RUN}/drift?wait=60", asked)
        self._keep(f"drift-{dataset}", report)
        show(drifted=", ".join(report["drifted_columns"]) or "nothing")
        self._draw(f"/jobs/{report['correlation_id']}/plots")


def main() -> None:
    """Parse the command line and run the study."""
    parser = argparse.ArgumentParser(description="Tune, evaluate, explain and monitor a model over HTTP.")
    parser.add_argument("--url", default=gateway_url(), help="the gateway (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("study"), help="the folder for answers and plots")
    given = parser.parse_args()
    Study(Gateway(given.url, os.environ.get("MODELBUS_API_KEY")), given.out).run()


if __name__ == "__main__":
    main()
