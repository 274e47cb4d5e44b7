"""How answers look: one line in a console, escaped HTML and pictures in a notebook."""

from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from modelbus import Client
from modelbus.client.calls import record_of
from modelbus.client.comparison import Comparison
from modelbus.client.model_explanations import Drift, Learning, ModelExplanation, PredictionExplanation
from modelbus.client.shown.html_parts import panel, table
from modelbus.client.shown.records import Dataset, DrawnPlot, Estimator, Evaluation, Preview, Version
from modelbus.client.shown.short_texts import LINE_LIMIT
from modelbus.client.typed_answers import Candidates, Predictions, RowPage, TrainedVersion
from modelbus.gateway.description import examples, explanation_examples

LINE = LINE_LIMIT + 100
EVIL = "<script>alert('x')</script>&\""


def evil(value: Any) -> Any:
    """A document with markup in each of its texts that may be anything, and in the keys of its mappings."""
    if isinstance(value, dict):
        changed = {key: evil(one) if key not in KEPT else one for key, one in value.items()}
        # the rows of a page are named by its columns
        return changed | {f"{key}{EVIL}": changed[key] for key in ("size", "color", "price") if key in changed}
    if isinstance(value, list):
        return [evil(one) for one in value]
    return f"{value}{EVIL}" if isinstance(value, str) else value


KEPT = {
    *("correlation_id", "created_at", "sha256", "dataset_sha256", "artifact_sha256", "file_sha256"),
    *("status", "type", "code", "task", "method", "state", "held_out"),
}

BIG_EVALUATION = {
    **examples.EVALUATION,
    "thresholds": [{"threshold": number / 200, "precision": 0.5, "recall": 0.5} for number in range(200)],
    "per_class": [{"label": f"class {number}", "support": 3} for number in range(500)],
    "confusion": {"labels": ["no", "yes"], "counts": [[3, 1], [0, 2]], "fractions": [[0.75, 0.25], [0, 1]]},
    "intervals": {"r2": {"low": 0.9, "high": 0.99, "rounds": 200}},
}
SHOWN: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (Dataset, examples.DATASET),
    (Preview, examples.PREVIEW),
    (RowPage, examples.ROWS),
    (Version, examples.VERSION),
    (TrainedVersion, examples.TRAINED),
    (Evaluation, BIG_EVALUATION),
    (Candidates, examples.CANDIDATES),
    (Comparison, examples.COMPARISON),
    (Predictions, {**examples.PREDICTION, "predictions": [EVIL] * 50}),
]
PLAIN: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (Estimator, examples.ESTIMATOR),
    (ModelExplanation, explanation_examples.MODEL_EXPLANATION),
    (PredictionExplanation, explanation_examples.PREDICTION_EXPLANATION),
    (Learning, explanation_examples.LEARNING),
    (Drift, explanation_examples.DRIFT),
]


class Tags(HTMLParser):
    """Collects the tags of HTML, and whether they are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags_of(html: str) -> set[str]:
    parser = Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.seen


@pytest.mark.parametrize(("kind", "document"), [*SHOWN, *((kind, evil(one)) for kind, one in SHOWN), *PLAIN])
def test_an_answer_is_one_short_line_in_a_console(kind: type[BaseModel], document: dict[str, Any]) -> None:
    record = record_of(kind, document)
    assert repr(record) == str(record)
    assert len(repr(record)) <= LINE
    assert "\n" not in repr(record)
    assert kind.__name__ in repr(record)


@pytest.mark.parametrize(("kind", "document"), SHOWN)
def test_an_answer_is_escaped_html_in_a_notebook(kind: type[BaseModel], document: dict[str, Any]) -> None:
    html: str = record_of(kind, evil(document))._repr_html_()  # type: ignore[operator]
    assert tags_of(html) <= {"div", "p", "b", "br", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert "<script" not in html
    assert len(html) < 20_000


def test_an_evaluation_shows_its_metrics_and_its_confusion() -> None:
    evaluation = record_of(Evaluation, BIG_EVALUATION)
    html = evaluation._repr_html_()
    for text in ("evaluation first", "prices@1", "r2", "low", "true \\ predicted", "yes"):
        assert text in html
    assert "metrics={'r2'" in repr(evaluation)


def test_a_dataset_shows_its_columns_and_a_version_its_metrics() -> None:
    assert '<td style="text-align: left">color</td>' in record_of(Dataset, examples.DATASET)._repr_html_()
    assert "Ridge" in record_of(Version, examples.VERSION)._repr_html_()
    assert record_of(Version, examples.VERSION).reference == "prices@1"


def test_the_best_of_a_comparison_stand_out() -> None:
    html = record_of(Comparison, examples.COMPARISON)._repr_html_()
    assert "<b>0.99</b>" in html
    assert "<b>0.97</b>" not in html


def test_predictions_are_shown_with_their_rows_and_only_the_first_ones() -> None:
    found = Predictions(model="m", version=1, report={}, predictions=list(range(30))).with_index(list("x" * 30))
    html = found._repr_html_()
    assert html.count("<tr>") == 21
    assert "and 10 more rows" in html
    assert repr(found).startswith("Predictions(model='m', version=1, predictions=[0, 1, 2, ")
    assert repr(found).endswith(", … (30 items)])")


def test_one_row_more_is_one_row() -> None:
    assert "and 1 more row<" in table(["a"], [[number] for number in range(21)])
    assert panel("x", {"empty": None}).count("empty") == 0


def test_a_plot_has_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(".svg"):
            return httpx.Response(200, content=iter([b"<svg></svg>"]), headers={"Content-Type": "image/svg+xml"})
        return httpx.Response(200, json={"name": "residuals", "title": "Residuals", "x_label": "x", "y_label": "y"})

    with Client("http://gateway", retry_s=0) as client:
        http = httpx.Client(base_url="http://gateway", transport=httpx.MockTransport(answer))
        monkeypatch.setattr(client._transport, "_http", http)
        plot = client.evaluations.plot("first", "residuals")
    assert isinstance(plot, DrawnPlot)
    assert plot._repr_svg_() == "<svg></svg>"
    assert repr(plot) == "DrawnPlot(name='residuals', title='Residuals', x_label='x', y_label='y', has_dates=False)"
