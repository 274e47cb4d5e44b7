"""A new version beside the champion: measured on rows that neither was trained on. Pure maths; the reasons: ADR 0023.

Whatever makes a comparison doubtful leaves the champion where it is, with a sentence that says why.
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
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.scoring import score
from modelbus.shared.tabular.targets.labels import Label, spelling
from modelbus.trainer.champions.row_identity import row_hashes
from modelbus.trainer.champions.trained_rows import Mask, TrainedRows
from modelbus.trainer.rows.splitting import RowIndices

FEWEST_ROWS: Final = 10
"""Of fewer rows one alone decides which version is better."""

_TIE: Final = 1e-9
"""Of the larger figure: what sums in another order make of equal answers is no difference."""
_SHOWN_LABELS: Final = 5


@dataclass(frozen=True, eq=False)
class Contestant:
    """One of both versions."""

    name: str
    """As sentences call it, such as `version 3`."""
    model: FittedModel
    trained: TrainedRows | None
    """None where nobody knows which rows it was trained on."""


@dataclass(frozen=True, eq=False)
class MeasuredRows:
    """The rows that the new version was measured on."""

    frame: pd.DataFrame
    """With all columns that both versions read, and the target, as the new version reads them."""
    indices: RowIndices
    """Where each stands in its dataset, shape (n_rows,)."""
    dataset_sha256: str
    champion_frame: pd.DataFrame | None = None
    """The same rows as the champion reads them; None where that is no other way."""

    def read_by(self, one: "Contestant", own: "Contestant") -> pd.DataFrame:
        """The rows as a version reads them."""
        return self.frame if one is own or self.champion_frame is None else self.champion_frame


def difference_in_kind(own: Signature, champion: Signature, name: str) -> str | None:
    """Why two versions answer different questions, so that no measure says which is better; None if they do not.

    Args:
        own: The new version's.
        champion: The other one's.
        name: How sentences call that.
    """
    if champion.task != own.task:
        return f"{name} does {champion.task}, and the new version {own.task}"
    if champion.target != own.target:
        return f"{name} predicts {champion.target!r}, and the new version {own.target!r}"
    theirs, ours = (_by_type(one.classes or []) for one in (champion, own))
    if own.task == "classification" and theirs.keys() != ours.keys():
        return (
            f"{name} and the new version do not know the same classes: {_only('only the champion', theirs, ours)}"
            f"{_only('only the new version', ours, theirs)}"
        ).rstrip("; ")
    return None


def obstacle_to_measuring(own: Signature, champion: Signature, name: str) -> str | None:
    """Why two versions of one kind cannot be measured against each other; None if they can."""
    if own.task == "outlier_detection":
        return "without known outliers nothing says which version finds them better; move the alias yourself"
    theirs, ours = ({column.name for column in one.columns} for one in (champion, own))
    if own.task == "clustering" and theirs != ours:
        return f"{name} finds its clusters by other columns, and distances by other columns are others"
    return None


def default_metric(task: Task) -> str | None:
    """What is compared where the command names nothing; None of outlier detection, which has no such metric."""
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
    """Measure both on the rows that neither was trained on, and say whether the new version is to replace the champion.

    It is, if it is better by more than the margin; as good is not better, and figures that differ by less than a
    thousand-millionth are as good. It never is where anything makes the comparison doubtful.

    Args:
        own: The new version.
        champion: The champion, of the same task, target and classes.
        rows: The rows that the new version was measured on.
        metric: A metric of their task of which more, or less, is better.
        margin: By how much it must be better.
        champion_version: The champion's number.
        warnings: What is known already to make it doubtful.
    """
    said: dict[str, Any] = {"metric": metric, "champion_version": champion_version, "margin": margin}
    unknown = [one.name for one in (own, champion) if one.trained is None]
    if unknown:
        of = f"nobody knows which rows {unknown[0]} was trained on"
        return Comparison(**said, reason=f"{of}: it was made by an earlier release; move the alias yourself")
    their_frame = rows.read_by(champion, own)
    absent = [one.name for one in champion.model.signature.columns if one.name not in their_frame.columns]
    if absent:
        return Comparison(**said, reason=f"{champion.name} reads columns that these rows lack: {_listed(absent)}")
    eligibility = find_eligible(own, champion, rows)
    said |= {"row_count": eligibility.count, "excluded_row_count": eligibility.left_out_count}
    if not eligibility.count:
        return Comparison(**said, reason=eligibility.sentence())
    eligible = np.flatnonzero(eligibility.is_eligible)
    try:
        found = [score(one.model, rows.read_by(one, own).iloc[eligible]) for one in (own, champion)]
    except (InvalidCommand, EstimatorRejected) as error:
        # A champion that cannot answer these rows cannot be compared; it stays until somebody decides.
        return Comparison(**said, reason=f"they could not be measured on the same rows: {error.message}")
    doubts = list(dict.fromkeys([*warnings, *chain(*(one.warnings for one in found))]))
    ours, theirs = (one.metrics.get(metric) for one in found)
    said |= {"own": ours, "champion": theirs, "warnings": doubts}
    reason = _reason(metric, margin, ours, theirs, champion.name, doubts, eligibility)
    return Comparison(**said, is_better=reason is None, reason=reason)


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
    if eligibility.count < FEWEST_ROWS:
        return eligibility.sentence()
    if ours is None or theirs is None:
        whose = "the new version" if ours is None else name
        return f"{metric} is not defined for what {whose} answers on these rows"
    if is_better(metric, ours, theirs, margin):
        return None
    by = f" by more than {margin:g}" if margin else ""
    return f"the new version is not better{by}: {metric} {ours:.6g}, against {theirs:.6g} of {name}"


def is_better(metric: str, ours: float, theirs: float, margin: float) -> bool:
    """Whether a figure is better than another by more than a margin, and by more than rounding makes."""
    gain = ours - theirs if is_higher_better(metric) else theirs - ours
    return gain > margin + _TIE * max(abs(ours), abs(theirs))


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Which of the measured rows neither version was trained on."""

    is_eligible: Mask
    """Shape (n_rows,)."""
    known_count: int
    """Rows that have a target."""
    seen: dict[str, int]
    """By version, so many of them it was, or may have been, trained on."""

    @property
    def count(self) -> int:
        """Rows that both can be measured on."""
        return int(np.count_nonzero(self.is_eligible))

    @property
    def left_out_count(self) -> int:
        """Rows with a target that they cannot be measured on."""
        return self.known_count - self.count

    def sentence(self) -> str:
        """That they are too few, and why."""
        of = "row was" if self.known_count == 1 else "rows were"
        held_out = f"{self.known_count} {of} held out"
        because = " and ".join(f"{name} was trained on {seen}" for name, seen in self.seen.items() if seen)
        rest = f"{held_out}, and {because} of them" if because else held_out
        if not self.count:
            return f"there is no row that neither version was trained on: {rest}"
        few = f"{self.count} rows that neither version was trained on are too few to tell"
        return f"{few}, {FEWEST_ROWS} are needed: {rest}"


def find_eligible(own: Contestant, champion: Contestant, rows: MeasuredRows) -> Eligibility:
    """Which rows neither version was trained on; both know their training rows.

    Of the table that a version was trained on, a row is the same if it stands in the same place; of another table, if
    all that the version reads of it, and its target, are the same.
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
    assert trained is not None  # the caller has looked
    if trained.dataset_sha256 == rows.dataset_sha256 and trained.row_bits is not None:
        return trained.has_rows(rows.indices)
    return trained.may_have(row_hashes(frame, one.model.signature))


def _has_target(frame: pd.DataFrame, signature: Signature) -> Mask:
    if signature.target is None:
        return np.ones(len(frame), dtype=np.bool_)
    return np.asarray(frame[str(signature.target)].notna(), dtype=np.bool_)


def _typed(label: Label) -> tuple[bool, Label]:
    """A label as it can be compared: True is not 1."""
    return isinstance(label, bool), label


def _by_type(labels: Sequence[Label]) -> dict[tuple[bool, Label], Label]:
    return {_typed(label): label for label in labels}


def _only(whose: str, some: dict[Any, Label], others: dict[Any, Label]) -> str:
    found = [_shown(label) for key, label in some.items() if key not in others]
    return f"{whose} knows {_listed(found)}; " if found else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_LABELS} more" if len(names) > _SHOWN_LABELS else ""
    return ", ".join(names[:_SHOWN_LABELS]) + more


def _shown(label: Label) -> str:
    return repr(label[:100]) if isinstance(label, str) else spelling(label)
