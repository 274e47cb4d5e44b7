"""Learning curves of versions: connects the command to the maths."""

from collections.abc import Sequence

from modelbus.shared.contracts import MeasureLearningCurve, TrainModel
from modelbus.shared.contracts.checks.explanation_checks import require_hold_out_table, require_training_table
from modelbus.shared.contracts.metric_names import metrics_for
from modelbus.shared.contracts.records.explanation_results import LearningResult
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.store.connection import Document
from modelbus.shared.tabular.tables.stored_tables import dataset_columns, fetch_table, read_frame
from modelbus.shared.worker.child import JobContext
from modelbus.shared.worker.plots import DRAWING_FROM, answer_with_plots
from modelbus.trainer.fitting.plan import plan_of
from modelbus.trainer.handlers.dataset_fitting import DatasetFitting
from modelbus.trainer.handlers.training import training_as_found
from modelbus.trainer.training.learning_curve import LearningPoint, measure_learning_curve
from modelbus.trainer.training.learning_curve_plots import learning_curve_plots


def measure_learning(command: MeasureLearningCurve, context: JobContext) -> AnswerOutcome:
    """Repeat a version's training with fewer rows; the result is an answer.

    A search or an automatic choice is not repeated: the curve is of the estimator that was found.

    Raises:
        UnknownModel, UnknownDataset: One of them does not exist, or the training table was deleted.
        InvalidCommand: The training is streamed, and a learning curve needs the table in memory.
        EstimatorRejected, JobOutOfMemory: The training cannot be repeated.
    """
    version = context.library.version(command.model)
    dataset = context.library.dataset(version["dataset"])
    require_training_table(version, dataset)
    training = TrainModel.model_validate(training_as_found(version))
    plan = plan_of(training, dataset_columns(dataset))
    if version.get("streamed") or DatasetFitting(training, plan, dataset, context).is_streamed:
        problem = "a learning curve needs all rows in memory, and this training is streamed; train on fewer rows"
        raise InvalidCommand(problem, details=[{"where": "model", "problem": problem}])
    context.progress(0.05, f"reading {dataset['name']}")
    frame = read_frame(
        fetch_table(context.blobs, dataset, context.work_directory), plan.needed_columns, plan.own_readings
    )
    hold_out = None
    if training.hold_out.dataset is not None:
        measured = context.library.dataset(training.hold_out.dataset)
        require_hold_out_table(version, measured)
        hold_out = read_frame(
            fetch_table(context.blobs, measured, context.work_directory), plan.hold_out_columns, plan.readings
        )

    def report(fraction: float, message: str) -> None:
        context.progress(0.1 + (DRAWING_FROM - 0.1) * fraction, message)

    points = measure_learning_curve(frame, plan, command.fractions, hold_out_frame=hold_out, report=report)
    result: Document = {
        "model": version["model"],
        "version": version["version"],
        "dataset": dataset["name"],
        "estimator": version["estimator"],
        "name": "learning_curve",
        "x": [point.row_count for point in points],
        "fit_s": [round(point.fit_s, 4) for point in points],
        "curves": _curves(points),
    }
    # tasks without search metrics, such as outlier detection, show all of their metrics
    drawn = metrics_for("search", version["signature"]["task"]) or points[0].metrics
    plots = learning_curve_plots(LearningResult.model_validate(result), drawn) if command.has_plots else []
    return answer_with_plots(result, plots, context)


def _curves(points: Sequence[LearningPoint]) -> list[Document]:
    return [
        {
            "name": name,
            "training": [point.training_metrics.get(name) for point in points],
            "hold_out": [point.metrics[name] for point in points],
        }
        for name in points[0].metrics
    ]
