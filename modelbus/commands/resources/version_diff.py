"""``modelbus models diff``: two versions side by side, only what differs."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import typer

from modelbus.commands.metrics.headlines import headline_metrics
from modelbus.commands.terminal import completion
from modelbus.commands.terminal.metric_tables import ALL_METRICS, rounded
from modelbus.commands.terminal.model_options import AllMetrics, Reference
from modelbus.commands.terminal.printing import plain
from modelbus.commands.terminal.session import Session, asks_gateway
from modelbus.shared.contracts import VersionRecord
from modelbus.shared.contracts.metric_names import is_higher_better
from modelbus.shared.plural import counted

_RECORDED: Final = (
    *("estimator", "hyperparameters", "calibration", "dataset", "dataset_sha256", "hold_out", "hold_out_sha256"),
    *("held_out", "seed", "row_count", "streamed", "tags", "note", "libraries"),
)
"""Fields of a version's record that say how it was made."""
_SPECIFIED: Final = ("class_weight", "sample_weight", "search", "auto", "free_text", "categorical", "epochs")
"""Fields of its training command that the record does not repeat."""
_ABSENT: Final = object()


@asks_gateway
def diff(
    session: Session,
    reference: Reference,
    other: Annotated[
        str | None,
        typer.Argument(
            help="The version to compare with.", show_default="the champion", autocompletion=completion.models
        ),
    ] = None,
    all_metrics: AllMetrics = False,
) -> None:
    """Compare two versions: only what differs, metrics included.

    For example:

    - `modelbus models diff prices@3`

    - `modelbus models diff prices@1 prices@2 --all-metrics`
    """
    first = session.client.models.version(reference)
    second = session.client.models.version(other or first.model)
    if (first.model, first.version) == (second.model, second.version):
        raise typer.BadParameter(
            f"both are {first.model}@{first.version}; name two versions, such as {first.model}@1 {first.model}@2"
        )
    document = difference(first, second)
    session.printer.show(document, lambda: _print(session, document, first, second, all_metrics))


def difference(first: VersionRecord, second: VersionRecord) -> dict[str, Any]:
    """What differs between two versions.

    Returns:
        ``versions``, their two references; ``fields``, one mapping for each field that differs; and ``metrics``, one
        for each metric that differs, with the second's value less the first's. An absent value is null.
    """
    one, two = dict(_leaves(first)), dict(_leaves(second))
    names = [name for name in dict.fromkeys([*one, *two]) if one.get(name, _ABSENT) != two.get(name, _ABSENT)]
    fields = [{"field": name, "first": one.get(name), "second": two.get(name)} for name in names]
    references = [f"{version.model}@{version.version}" for version in (first, second)]
    return {"versions": references, "fields": fields, "metrics": _metric_differences(first, second)}


def _metric_differences(first: VersionRecord, second: VersionRecord) -> list[dict[str, Any]]:
    found = []
    for name in dict.fromkeys([*first.metrics, *second.metrics]):
        one, two = first.metrics.get(name), second.metrics.get(name)
        if one != two:
            change = None if one is None or two is None else two - one
            better = is_higher_better(name)
            found.append({"metric": name, "first": one, "second": two, "change": change, "is_higher_better": better})
    return found


def _leaves(version: VersionRecord) -> Iterator[tuple[str, Any]]:
    """Yield what a version was made from, one field or feature at a time."""
    record: dict[str, Any] = plain(version)
    signature, specification = record["signature"], record["specification"] or {}
    for source, names in ((record, _RECORDED), (specification, _SPECIFIED), (signature, ("task", "target", "classes"))):
        for name in names:
            yield from _flat(name, source.get(name))
    yield from _flat("threshold", signature.get("threshold"))
    yield from _flat("folds of the cross-validation", (record["cross_validation"] or {}).get("folds"))
    for column in signature["columns"]:
        yield f"feature {column['name']}", "free text" if column.get("is_free_text") else column["type"]


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for inner, one in value.items():
            yield from _flat(f"{name}.{inner}", one)
    elif value not in (None, {}, [], ""):
        yield name, value


def _print(
    session: Session, document: Mapping[str, Any], first: VersionRecord, second: VersionRecord, is_all: bool
) -> None:
    references = document["versions"]
    if not document["fields"] and not document["metrics"]:
        session.printer.say(f"{references[0]} and {references[1]} do not differ.")
        return
    rows = [[one["field"], rounded(one["first"]), rounded(one["second"])] for one in document["fields"]]
    session.printer.table(("what differs", *references), rows, empty="Only the metrics differ.")
    found = document["metrics"]
    if not is_all:
        named = set(headline_metrics(first.signature.task, first.metrics))
        named |= set(headline_metrics(second.signature.task, second.metrics))
        found = [one for one in found if one["metric"] in named]
    rows = [
        [one["metric"], *(rounded(one[key]) for key in ("first", "second", "change")), _verdict(one)] for one in found
    ]
    headings = ("metric", *references, "change", "")
    session.printer.table(headings, rows, empty="The headline metrics are equal.")
    left = len(document["metrics"]) - len(found)
    if left:
        session.printer.say(
            f"{ALL_METRICS} shows {counted(left, 'more metric')} that {'differs' if left == 1 else 'differ'}."
        )
    if first.hold_out_sha256 != second.hold_out_sha256 or first.dataset_sha256 != second.dataset_sha256:
        session.printer.warn(["the versions were measured on different rows; evaluate both on one dataset to compare"])


def _verdict(one: Mapping[str, Any]) -> str:
    if not one["change"] or one["is_higher_better"] is None:
        return ""
    return "better" if (one["change"] > 0) == one["is_higher_better"] else "worse"
