"""What a valid command needs of the records: checked by the gateway before it accepts, and by the worker before it
begins, so that both doors refuse alike.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from shared.contracts.commands import TrainModel
from shared.errors import InvalidCommand


def check_training_columns(command: TrainModel, dataset: Mapping[str, Any]) -> None:
    """Check that target and features are columns of the dataset.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant.
    """
    known = [column["name"] for column in dataset["columns"]]
    wanted = [("target", command.target)]
    wanted += [(f"features.{position}", name) for position, name in enumerate(command.features or [])]
    details = [
        {"where": where, "problem": f"no column {name!r} in dataset {command.dataset!r}", **_likely(name, known)}
        for where, name in wanted
        if name not in known
    ]
    if details:
        raise InvalidCommand(
            "; ".join(f"{d['where']}: {d['problem']}{_asked(d)}" for d in details[:3]), details=details
        )
    if len(known) < 2:
        raise InvalidCommand(f"dataset {command.dataset!r} has no column besides the target to learn from")


def _likely(name: str, known: list[str]) -> dict[str, Any]:
    close = get_close_matches(name, known, n=3)
    return {"expected": close or known[:20]}


def _asked(detail: Mapping[str, Any]) -> str:
    return f" (is it {detail['expected'][0]!r}?)" if len(detail["expected"]) == 1 else ""
