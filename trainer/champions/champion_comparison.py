"""The comparison of a new version with the champion, on rows that neither was trained on (ADR 0023). Pure maths.

If a comparison is doubtful, the champion stays, and the reason is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd

from modelbus.shared.contracts import Signature, Task
from modelbus.shared.contracts.metric_names import PRIMARY_METRICS, is_higher_better
from modelbus.shared.contracts.records.model_records import Comparison
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.plural import agreeing, counted
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.scoring import score
from modelbus.shared.tabular.targets.labels import Label, spelling
from modelbus.trainer.champions.row_identity import row_hashes
from modelbus.trainer.champions.trained_rows import Mask, TrainedRows
from modelbus.trainer.rows.splitting import RowIndices

MINIMUM_ROWS: Final = 10
"""With fewer rows, a single one would decide which version is better."""

_TIE: Final = 1e-9
"""Relative to the larger value: smaller differences are rounding errors of sums in another order."""
_SHOWN_LABELS: Final = 5


@dataclass(frozen=True, eq=False)
class Contestant:
    """One of the two versions."""

    name: str
    """Its name in messages, such as `version 3`."""
    model: FittedModel
    trained: TrainedRows | None
    """None if its training rows are unknown."""


@dataclass(frozen=True, eq=False)
class MeasuredRows:
    """The rows that the new version was measured on."""

    frame: pd.DataFrame
    """All columns that either version reads, and the target, as the new version reads them."""
    indices: RowIndices
    """The position of each row in its dataset, shape (n_rows,)."""
    dataset_sha256: str
    champion_frame: pd.DataFrame | None = None
    """The same rows as the champion reads them; None if both read them alike."""

    def read_by(self, one: "Contestant", own: "Contestant") -> pd.DataFrame:
        """Return the rows as one of the versions reads them."""
        return self.frame if one is own or self.champion_frame is None else self.champion_frame


def difference_in_kind(own: Signature, champion: Signature, name: str) -> str | None:
    """Why two versions answer different questions and cannot be compared; None if they answer the same.

    Args:
        own: The signature of the new version.
        champion: The signature of the champion.
        name: The champion's name in messages.
    """
    if champion.task != own.task:
        return f"{name} does {champion.task}, but the new version does {own.task}"
    if champion.target != own.target:
        return f"{name} predicts {champion.target!r}, but the new version predicts {own.target!r}"
    theirs, ours = (_by_type(one.classes or []) for one in (champion, own))
    if own.task == "classification" and theirs.keys() != ours.keys():
        return (
            f"{name} and the new version have different classes: {_only('only the champion', theirs, ours)}"
            f"{_only('only the new version', ours, theirs)}"
        ).rstrip("; ")
    return None


def obstacle_to_measuring(own: Signature, champion: Signature, name: str) -> str | None:
    """Why two versions of the same task and target cannot be measured against each other; None if they can."""
    if own.task == "outlier_detection":
        return "outlier detectors cannot be compared without labelled outliers; move the alias yourself"
    theirs, ours = ({column.name for column in one.columns} for one in (champion, own))
    if own.task == "clustering" and theirs != ours:
        return f"{name} uses other columns, and cluster distances are comparable only for the same columns"
    return None


def default_metric(task: Task) -> str | None:
    """The metric to compare by if the command names none; None for outlier detection, which has no such metric."""
    return PRIMARY_METRICS.get(task)


def compare(
    own: Contestant,
    champion: Contestant,
    rows: MeasuredRows,
    *,
    metric: str,
    margin: float,
    champion_version: int,
    warnings: Sequence[str] = (),
) -> Comparison:
    """Measure both on the rows that neither was trained on, and decide whether the new version replaces the champion.

    It does if it is better by more than the margin. Values that differ by less than a billionth are equal, and equal is
    not better. If the comparison is doubtful, it does not.

    Args:
        own: The new version.
        champion: The champion, of the same task, target and classes.
        rows: The rows that the new version was measured on.
        metric: A metric of their task for which higher, or lower, is better.
        margin: The minimum difference, exclusive.
        champion_version: The champion's version number.
        warnings: Known reasons why the comparison is doubtful.
    """
    known: dict[str, Any] = {"metric": metric, "champion_version": champion_version, "margin": margin}
    unknown = [one.name for one in (own, champion) if one.trained is None]
    if unknown:
        of = f"the training rows of {unknown[0]} are unknown"
        return Comparison(**known, reason=f"{of}, as an earlier release trained it; move the alias yourself")
    their_frame = rows.read_by(champion, own)
    absent = [one.name for one in champion.model.signature.columns if one.name not in their_frame.columns]
    if absent:
        return Comparison(**known, reason=f"these rows lack columns that {champion.name} needs: {_listed(absent)}")
    eligibility = find_eligible(own, champion, rows)
    known |= {"row_count": eligibility.count, "excluded_row_count": eligibility.left_out_count}
    if not eligibility.count:
        return Comparison(**known, reason=eligibility.sentence())
    eligible = np.flatnonzero(eligibility.is_eligible)
    try:
        found = [score(one.model, rows.read_by(one, own).iloc[eligible]) for one in (own, champion)]
    except (InvalidCommand, EstimatorRejected) as error:
        # A champion that cannot predict these rows cannot be compared; it stays until a user decides.
        return Comparison(**known, reason=f"the two versions cannot be measured on the same rows: {error.message}")
    doubts = list(dict.fromkeys([*warnings, *chain(*(one.warnings for one in found))]))
    ours, theirs = (one.metrics.get(metric) for one in found)
    known |= {"own": ours, "champion": theirs, "warnings": doubts}
    reason = _reason(metric, margin, ours, theirs, champion.name, doubts, eligibility)
    return Comparison(**known, is_better=reason is None, reason=reason)


def _reason(
    metric: str,
    margin: float,
    ours: float | None,
    theirs: float | None,
    name: str,
    doubts: Sequence[str],
    eligibility: "Eligibility",
) -> str | None:
    """Why the champion stays; None if it does not."""
    if doubts:
        more = f" (and {len(doubts) - 1} more)" if len(doubts) > 1 else ""
        return f"the comparison is doubtful: {doubts[0]}{more}"
    if eligibility.count < MINIMUM_ROWS:
        return eligibility.sentence()
    if ours is None or theirs is None:
        whose = "the new version" if ours is None else name
        return f"{metric} is not defined for the predictions of {whose} on these rows"
    if is_better(metric, ours, theirs, margin):
        return None
    by = f" by more than {margin:g}" if margin else ""
    return f"the new version is not better{by}: {metric} is {ours:.6g}, and {theirs:.6g} for {name}"


def is_better(metric: str, ours: float, theirs: float, margin: float) -> bool:
    """Whether a value is better than another by more than a margin and more than rounding errors."""
    gain = ours - theirs if is_higher_better(metric) else theirs - ours
    return gain > margin + _TIE * max(abs(ours), abs(theirs))


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Which of the held-out rows neither version was trained on."""

    is_eligible: Mask
    """Shape (n_rows,)."""
    known_count: int
    """Rows that have a target."""
    seen: dict[str, int]
    """By version, how many of them it was, or may have been, trained on."""

    @property
    def count(self) -> int:
        """Rows that both versions can be measured on."""
        return int(np.count_nonzero(self.is_eligible))

    @property
    def left_out_count(self) -> int:
        """Rows with a target that are excluded, because a version was trained on them."""
        return self.known_count - self.count

    def sentence(self) -> str:
        """The message that there are too few, and why."""
        held_out = f"{counted(self.known_count, 'row')} {agreeing(self.known_count, 'was', 'were')} held out"
        because = " and ".join(f"{name} was trained on {seen:,}" for name, seen in self.seen.items() if seen)
        rest = f"{held_out}, and {because} of them" if because else held_out
        if not self.count:
            return f"no row is new to both versions: {rest}"
        new = f"only {counted(self.count, 'row')} {agreeing(self.count, 'is', 'are')} new to both versions"
        return f"{new}; at least {MINIMUM_ROWS} are needed: {rest}"


def find_eligible(own: Contestant, champion: Contestant, rows: MeasuredRows) -> Eligibility:
    """Find the rows that neither version was trained on. The training rows of both must be known.

    In the table that a version was trained on, rows are compared by position; in another table, by the values of the
    version's columns and the target.
    """
    known = _has_target(rows.frame, own.model.signature)
    is_eligible, seen = known.copy(), {}
    for one in (own, champion):
        was_seen = _was_seen(one, rows, rows.read_by(one, own)) & known
        seen[one.name] = int(np.count_nonzero(was_seen))
        is_eligible &= ~was_seen
    return Eligibility(is_eligible, int(np.count_nonzero(known)), seen)


def _was_seen(one: Contestant, rows: MeasuredRows, frame: pd.DataFrame) -> Mask:
    trained = one.trained
    assert trained is not None  # checked by the caller
    if trained.dataset_sha256 == rows.dataset_sha256 and trained.row_bits is not None:
        return trained.has_rows(rows.indices)
    return trained.may_have(row_hashes(frame, one.model.signature))


def _has_target(frame: pd.DataFrame, signature: Signature) -> Mask:
    if signature.target is None:
        return np.ones(len(frame), dtype=np.bool_)
    return np.asarray(frame[str(signature.target)].notna(), dtype=np.bool_)


def _typed(label: Label) -> tuple[bool, Label]:
    """A label in a form that distinguishes True from 1."""
    return isinstance(label, bool), label


def _by_type(labels: Sequence[Label]) -> dict[tuple[bool, Label], Label]:
    return {_typed(label): label for label in labels}


def _only(whose: str, some: dict[Any, Label], others: dict[Any, Label]) -> str:
    found = [_shown(label) for key, label in some.items() if key not in others]
    return f"{whose} has {_listed(found)}; " if found else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_LABELS} more" if len(names) > _SHOWN_LABELS else ""
    return ", ".join(names[:_SHOWN_LABELS]) + more


def _shown(label: Label) -> str:
    return repr(label[:100]) if isinstance(label, str) else spelling(label)
