"""Explanations of single predictions: connects the command to the maths of Shapley values."""

from typing import Any, Final

import numpy as np

from modelbus.evaluator.explaining.responses import Response, respond, response_of
from modelbus.evaluator.explaining.shapley import EXACT_BY_DEFAULT, EXACT_MAXIMUM, Contributions, RowExplainer
from modelbus.evaluator.sampling.sampled_rows import affordable_rows, dataset_warnings, load_model, read_model_rows
from modelbus.shared.contracts import ExplainPrediction
from modelbus.shared.contracts.checks.explanation_checks import require_training_table
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.store.connection import Document
from modelbus.shared.tabular.encoding.scaled import Floats
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.worker.child import JobContext

_READ_FRACTION: Final = 0.15


def explain_prediction(command: ExplainPrediction, context: JobContext) -> AnswerOutcome:
    """Compute what each column contributes to the predictions for some rows; the result is an answer.

    Raises:
        UnknownModel, UnknownDataset: One of them does not exist, or the training table was deleted.
        InvalidCommand: There are too many columns for the exact method.
        SignatureMismatch, EstimatorRejected: The rows, or those of the dataset, do not match the model.
        ArtifactRefused: The model cannot be loaded.
    """
    version = context.library.version(command.model)
    dataset = context.library.dataset(command.dataset or version["dataset"])
    if command.dataset is None:
        require_training_table(version, dataset)
    model = load_model(context, version)
    predictions = model.predict_rows(command.rows, False)
    encoded, _ = model.encoder.rows(command.rows)
    context.progress(0.1, f"reading {dataset['name']}")
    limit = affordable_rows(command.background_row_count, len(model.encoder.columns))
    background, _ = model.encoder.transform(read_model_rows(context, dataset, model, limit, command.seed))
    response = response_of(model, np.vstack([background, encoded]))
    explainer = _explainer(model, response, background)
    method = _method(command, explainer)
    rows = []
    for number, row in enumerate(command.rows):
        context.progress(
            _READ_FRACTION + (1 - _READ_FRACTION) * number / len(command.rows),
            f"explaining row {number + 1:,} of {len(command.rows):,}",
        )
        random = np.random.default_rng([command.seed, number])
        if method == "exact":
            found = explainer.exact(encoded[number])
        else:
            found = explainer.sampled(encoded[number], command.permutations, random)
        label = predictions.labels[number]
        shown = _shown_outputs(response, label, command.outputs)
        rows.append({"prediction": label, "explanations": [_view(model, response, found, at, row) for at in shown]})
    counts = predictions.report.counts()
    return context.answer(
        {
            "model": version["model"],
            "version": version["version"],
            "response": response.kind,
            "method": method,
            "background": {"dataset": dataset["name"], "row_count": len(background)},
            "predicted_row_count": explainer.predicted_row_count,
            "rows": rows,
            "report": {incident: columns for incident, columns in counts.items() if columns},
            "warnings": dataset_warnings(context, model, dataset, predictions.report),
        }
    )


def _explainer(model: FittedModel, response: Response, background: Floats) -> RowExplainer:
    position = {column.name: index for index, column in enumerate(model.encoder.columns)}
    owners = np.array([position[name] for name in model.encoder.output_columns], dtype=np.int64)
    return RowExplainer(lambda matrix: respond(model, response, matrix), background, owners, len(position))


def _method(command: ExplainPrediction, explainer: RowExplainer) -> str:
    count = explainer.player_count
    if command.method == "exact" and count > EXACT_MAXIMUM:
        problem = f"method 'exact' supports at most {EXACT_MAXIMUM} columns, and the model uses {count}"
        raise InvalidCommand(problem, details=[{"where": "method", "problem": problem, "expected": "sampled"}])
    if command.method == "auto":
        return "exact" if count <= EXACT_BY_DEFAULT else "sampled"
    return command.method


def _shown_outputs(response: Response, label: Any, wanted: str) -> list[int]:
    """The positions of the outputs to explain; a single output is always explained."""
    if wanted == "all" or len(response.outputs) == 1 or label not in response.outputs:
        return list(range(len(response.outputs)))
    return [response.outputs.index(label)]


def _view(model: FittedModel, response: Response, found: Contributions, output: int, row: dict[str, Any]) -> Document:
    """The contributions of the columns to one output, the largest first, in JSON form."""
    names = [column.name for column in model.encoder.columns]
    columns = [
        {
            "column": name,
            "given": row.get(name),
            "contribution": float(found.contributions[index, output]),
            "standard_error": float(found.standard_errors[index, output]),
        }
        for index, name in enumerate(names)
    ]
    return {
        "output": response.outputs[output],
        "value": float(found.value[output]),
        "base_value": float(found.base[output]),
        "columns": sorted(columns, key=lambda each: -abs(each["contribution"])),
    }
