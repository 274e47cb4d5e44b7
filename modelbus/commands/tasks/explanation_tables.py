"""Explanations as tables: importance, partial dependence, contributions of the columns to the prediction for a row."""

from typing import Any, Final

from modelbus.client.model_explanations import Dependence, Importance, ModelExplanation, PredictionExplanation
from modelbus.commands.tasks.shown_predictions import notes
from modelbus.commands.terminal.metric_tables import label_text, rounded
from modelbus.commands.terminal.printing import Printer
from modelbus.shared.plural import counted

_CURVE_LIMIT: Final = 4
"""Classes whose curves are printed side by side."""
_POINT_LIMIT: Final = 8
"""Values of a column that are printed."""


def print_explanation(printer: Printer, found: ModelExplanation) -> None:
    """Print the importance of each column, and the partial dependence of the most important ones."""
    rows = f"{found.row_count:,} of {found.dataset_row_count:,}"
    seen = " (the model was trained on it)" if found.is_training_dataset else ""
    printer.facts({"model": f"{found.model}@{found.version}", "dataset": f"{found.dataset}{seen}", "rows": rows})
    if found.importance is not None:
        _print_importance(printer, found.importance)
    for one in found.partial_dependence or []:
        printer.say("")
        _print_dependence(printer, one)
    printer.warn(found.warnings)


def _print_importance(printer: Printer, importance: Importance) -> None:
    verb = "rises" if importance.is_error else "falls"
    heading = f"{importance.metric} {verb} by"
    rows = [[one.column, rounded(one.mean), f"± {one.standard_deviation:.2g}"] for one in importance.columns]
    printer.table(("column", heading, "std"), rows, empty="No columns.")
    shuffles = "once" if importance.repeats == 1 else f"{importance.repeats} times"
    printer.say(
        f"Importance: how much {importance.metric} {verb} when the column is shuffled ({shuffles}); "
        f"{importance.baseline:.4g} with nothing shuffled."
    )


def _print_dependence(printer: Printer, one: Dependence) -> None:
    # of two classes, the second, positive one says it all
    curves = one.curves[1:] if len(one.curves) == 2 else one.curves[:_CURVE_LIMIT]
    headings = [f"mean {one.response} of {label_text(curve.name)}" for curve in curves]
    places = _thinned(len(one.x))
    rows = [[_value(one.x[place]), *(rounded(curve.y[place]) for curve in curves)] for place in places]
    if any(curve.missing is not None for curve in curves):
        rows.append(["(missing)", *(rounded(curve.missing) for curve in curves)])
    printer.table((one.column, *headings), rows, empty="No values.")
    left = len(one.curves) - len(curves)
    if left and len(one.curves) > 2:
        printer.say(f"{counted(left, 'more class', 'more classes')}: --json has all.")
    if len(places) < len(one.x):
        printer.say(f"{counted(len(one.x) - len(places), 'more value')}: --json, or --plots FOLDER")


def _thinned(count: int) -> list[int]:
    """A few places among the values, evenly spread, both ends included."""
    if count <= _POINT_LIMIT:
        return list(range(count))
    return sorted({round(step * (count - 1) / (_POINT_LIMIT - 1)) for step in range(_POINT_LIMIT)})


def print_contributions(printer: Printer, found: PredictionExplanation) -> None:
    """Print what each column contributes to the prediction for each row, the largest contribution first."""
    background = f"{counted(found.background.row_count, 'row')} of {found.background.dataset}"
    facts = {"model": f"{found.model}@{found.version}", "compared with": background, "method": found.method}
    printer.facts(facts)
    for number, row in enumerate(found.rows, start=1):
        for output in row.explanations:
            printer.say("")
            of = f"{found.response} of {label_text(output.output)}"
            printer.say(
                f"row {number}: predicted {label_text(row.prediction)}; {of} is {output.value:.4g}, "
                f"and {output.base_value:.4g} on average"
            )
            rows = [
                [one.column, _value(one.given), rounded(one.contribution), _error(one.standard_error)]
                for one in output.columns
            ]
            has_errors = any(one.standard_error for one in output.columns)
            headings = ("column", "value", "contribution", "± error")
            cut = slice(None) if has_errors else slice(3)
            printer.table(headings[cut], [cells[cut] for cells in rows], empty="No columns.")
    printer.warn([*found.warnings, *notes(found.report)])


def _value(value: Any) -> str | None:
    """A column's value, as it is written in its table."""
    return None if value is None else label_text(rounded(value))


def _error(value: float) -> Any:
    return rounded(value) if value else None
