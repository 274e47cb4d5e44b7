"""Isolated predictions of the rows of a request, which are slow or may crash the process."""

import os
from typing import Final

from modelbus.predictor.group_prediction import Asking, predict_group
from modelbus.predictor.kept_columns import with_kept
from modelbus.shared.contracts import Predict
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome
from modelbus.shared.errors import ModelbusError
from modelbus.shared.models.stored_models import fetch_model
from modelbus.shared.tabular.predicting.threads import stay_with_one_blas_thread
from modelbus.shared.worker.child import JobContext

_NICENESS: Final = 10
"""The niceness of the process, in favour of fast predictions."""


def predict_rows(command: Predict, context: JobContext) -> AnswerOutcome:
    """Predict with the same results as the interactive lane, to the last bit.

    Raises:
        UnknownModel: The model does not exist.
        SignatureMismatch, InvalidCommand: The rows do not match the model.
        ArtifactRefused: The model cannot be loaded.
    """
    os.nice(_NICENESS)
    stay_with_one_blas_thread()
    version = context.library.version(command.model)
    context.progress(0.0, f"loading {version['model']} version {version['version']}")
    model = fetch_model(context.blobs, version, context.settings.artifact_limit_bytes)
    asking = Asking(
        model,
        version["model"],
        version["version"],
        command.has_probabilities,
        command.has_scores,
        context.settings.unseen_warning_fraction,
    )
    (answer,) = predict_group(asking, [command.rows])
    if answer.result is None:
        raise answer.error or ModelbusError()
    result = with_kept(answer.result, command)
    if context.usage is not None:
        report = result["report"]
        context.usage.add(version["correlation_id"], requests=1, rows=len(command.rows), report=report)
    return context.answer(result)
