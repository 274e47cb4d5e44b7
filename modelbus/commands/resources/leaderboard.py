"""``modelbus models candidates``: the leaderboard of a search, or of ``auto``."""

from typing import Annotated, Any, Final

import typer

from modelbus.client.typed_answers import Candidates
from modelbus.commands.terminal.metric_tables import rounded
from modelbus.commands.terminal.model_options import Reference
from modelbus.commands.terminal.session import Session, asks_gateway
from modelbus.commands.terminal.version_tables import choice_facts
from modelbus.shared.contracts import VersionRecord
from modelbus.shared.contracts.metric_names import is_higher_better
from modelbus.shared.contracts.records.candidate_records import Candidate
from modelbus.shared.plural import counted

_STATES: Final = {"measured": "", "unfinished": "not measured on all folds", "discarded": "given up as worse"}
"""What the state of a candidate is called, where the record holds no reason; other states by their own name."""


@asks_gateway
def candidates(
    session: Session,
    reference: Reference,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many to show, the best first.")
    ] = 20,
) -> None:
    """Show the candidates that a version was chosen from: the leaderboard of a search or of auto.

    For example:

    - `modelbus models candidates churn`

    - `modelbus models candidates churn@2 -n 100`
    """
    version = session.client.models.version(reference)
    found = session.client.models.candidates(f"{version.model}@{version.version}")
    session.printer.show(found, lambda: _print(session, version, found, limit))


def _print(session: Session, version: VersionRecord, found: Candidates, limit: int) -> None:
    printer = session.printer
    printer.facts({"model": f"{version.model}@{version.version}", **choice_facts(version)})
    shown = found.candidates[:limit]
    printer.table(
        ("rank", "number", "estimator", f"mean {found.scoring}", "std", "folds", "fit s", "hyperparameters", "note"),
        [_row(one) for one in shown],
        empty="No candidates.",
        below=("hyperparameters", "note"),
        optional=("fit s", "folds", "number"),
    )
    if is_higher_better(found.scoring) is False:
        printer.say(f"Of {found.scoring}, less is better.")
    left = len(found.candidates) - len(shown)
    if left:
        printer.say(f"{counted(left, 'more candidate')}: --limit {len(found.candidates)} shows all.")


def _row(one: Candidate) -> list[Any]:
    measured = sum(score is not None for score in one.scores)
    return [
        *(one.rank, one.number, one.estimator, rounded(one.mean), rounded(one.standard_deviation)),
        *(measured, rounded(one.fit_s), _hyperparameter_words(one), one.error or _STATES.get(one.state, one.state)),
    ]


def _hyperparameter_words(one: Candidate) -> str:
    return ", ".join(f"{name}={rounded(value)}" for name, value in one.hyperparameters.items())
