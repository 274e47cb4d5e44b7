"""From a name and hyperparameters to an unfitted estimator, those inside of it included.

An estimator that wraps others takes each of them as ``{"estimator": name, "hyperparameters": {...}}``, from the same
catalogue and under the same rules, ``DEPTH_LIMIT`` levels deep.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

from modelbus.shared.errors import InvalidCommand, ModelbusError
from modelbus.shared.tabular.predicting.model import words_of
from modelbus.trainer.catalogue.class_labels import translate_class_labels
from modelbus.trainer.catalogue.entries import MEMBER_LIMIT, CatalogueEntry, Nesting, find_estimator
from modelbus.trainer.catalogue.hyperparameters import BOUNDS, check_hyperparameters

DEPTH_LIMIT: Final = 3
"""Levels of estimators: one, one inside of it, and one inside of that."""

Details = list[dict[str, Any]]


def make_estimator(name: str, hyperparameters: Mapping[str, Any], seed: int) -> Any:
    """Construct an estimator, unfitted.

    Args:
        name: A name of the catalogue.
        hyperparameters: Plain JSON values; 1 and 1.0 stay what they are, for they can mean different things. What is
            about classes (``class_weight``, ``constant``) is told by label; ``set_class_labels`` turns it into codes.
        seed: Becomes ``random_state`` where there is one, inside as outside.

    Raises:
        UnknownEstimator: There is no such name.
        InvalidCommand: One detail for each hyperparameter that is unknown, forbidden, or has a wrong value.
    """
    details: Details = []
    made = _Maker(seed, details).make(find_estimator(name), hyperparameters, "hyperparameters", 1)
    _check_work(name, hyperparameters, details)
    if details:
        raise InvalidCommand("; ".join(str(detail["problem"]) for detail in details[:3]), details=details)
    return made


def set_class_labels(estimator: Any, name: str, hyperparameters: Mapping[str, Any], classes: Sequence[Any]) -> None:
    """Set what is about classes, in the estimator and in those inside of it, from labels to class codes.

    Args:
        estimator: As ``make_estimator`` made it.
        name: Its name in the catalogue.
        hyperparameters: As they were given.
        classes: The labels, in the order of their codes.

    Raises:
        InvalidCommand: A label that the training rows do not have, or one inside an estimator that shows classes to
            those inside of it two at a time.
    """
    entry = find_estimator(name)
    translate_class_labels(estimator, hyperparameters, classes)
    for parameter, nesting in entry.nested.items():
        inner = _members(hyperparameters.get(parameter), nesting)
        made = getattr(estimator, parameter)
        for specification, one in zip(inner, [each for _, each in made] if nesting.is_list else [made], strict=False):
            given = specification.get("hyperparameters", {})
            if not nesting.keeps_classes and isinstance(given.get("class_weight"), dict):
                problem = f"{name} shows classes to the estimators inside of it two at a time, so they have no weights"
                where = f"hyperparameters.{parameter}.hyperparameters.class_weight"
                raise InvalidCommand(problem, details=[{"where": where, "problem": problem, "expected": "balanced"}])
            set_class_labels(one, specification["estimator"], given, classes)


class _Maker:
    """Makes estimators and gathers what is wrong with their specifications."""

    def __init__(self, seed: int, details: Details) -> None:
        self._seed = seed
        self._details = details

    def make(self, entry: CatalogueEntry, hyperparameters: Mapping[str, Any], where: str, depth: int) -> Any:
        """Construct an estimator; None if something is wrong."""
        name = entry.record.name
        plain = {key: value for key, value in hyperparameters.items() if key not in entry.nested}
        values: dict[str, Any] = {}
        try:
            values = check_hyperparameters(name, plain, entry.allowed, entry.refused)
        except InvalidCommand as error:
            self._note(error.details, where)
        for parameter, nesting in entry.nested.items():
            place = f"{where}.{parameter}"
            if parameter in hyperparameters and (hyperparameters[parameter] is not None or nesting.is_required):
                values[parameter] = self._nested(name, hyperparameters[parameter], nesting, place, depth)
            elif nesting.is_required:
                self._add(place, f"{name} needs {parameter}: {_wanted(nesting)}")
        if self._details:
            return None
        if entry.is_seeded:
            values["random_state"] = self._seed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # a class about to be removed says so; the release is pinned
            try:
                return entry.estimator_type(**{**entry.fixed, **values})
            except Exception as error:  # noqa: BLE001 - a plug-in's constructor may judge values too
                return self._add(where, f"{name} does not take these hyperparameters: {words_of(error)}")

    def _nested(self, outer: str, given: Any, nesting: Nesting, where: str, depth: int) -> Any:
        if not nesting.is_list:
            return self._member(outer, given, nesting, where, depth)
        if not isinstance(given, list) or not 1 <= len(given) <= MEMBER_LIMIT:
            return self._add(where, f"{where} takes {_wanted(nesting)}")
        members = [self._member(outer, one, nesting, f"{where}.{index}", depth) for index, one in enumerate(given)]
        return list(zip(self._member_names(given, where), members, strict=True))

    def _member(self, outer: str, given: Any, nesting: Nesting, where: str, depth: int) -> Any:
        known = {"estimator", "hyperparameters", "name"} if nesting.is_list else {"estimator", "hyperparameters"}
        if not isinstance(given, dict) or not isinstance(given.get("estimator"), str) or not given.keys() <= known:
            return self._add(where, f"{where} takes {_wanted(nesting)}")
        hyperparameters = given.get("hyperparameters", {})
        if not isinstance(hyperparameters, dict):
            return self._add(f"{where}.hyperparameters", "hyperparameters are an object")
        if depth >= DEPTH_LIMIT:
            return self._add(where, f"estimators are nested {DEPTH_LIMIT} levels deep at most")
        try:
            entry = find_estimator(given["estimator"])
        except ModelbusError as error:
            return self._add(f"{where}.estimator", error.message)
        if entry.record.task != nesting.task:
            does = entry.record.task
            return self._add(
                f"{where}.estimator", f"{outer} takes {nesting.task} here; {entry.record.name} does {does}"
            )
        return self.make(entry, hyperparameters, f"{where}.hyperparameters", depth + 1)

    def _member_names(self, given: list[Any], where: str) -> list[str]:
        names = member_names(given)
        for index, one in enumerate(given):
            name = one.get("name") if isinstance(one, dict) else None
            if name is not None and (not isinstance(name, str) or not name or "__" in name or name in names[:index]):
                self._add(f"{where}.{index}.name", "a name is text without two underscores in a row, and given once")
        return names

    def _note(self, details: Sequence[Mapping[str, Any]], where: str) -> None:
        for detail in details:
            self._details.append({**detail, "where": str(detail["where"]).replace("hyperparameters", where, 1)})

    def _add(self, where: str, problem: str) -> None:
        self._details.append({"where": where, "problem": problem})


def member_names(given: Sequence[Any]) -> list[str]:
    """A name for each member of a vote or a stack: its own, or its estimator's, with a number where that is taken."""
    names: list[str] = []
    for index, one in enumerate(given):
        name = one.get("name") if isinstance(one, dict) else None
        base = str(name or (one.get("estimator") if isinstance(one, dict) else index))
        names.append(base if base not in names else f"{base}_{index + 1}")
    return names


def _wanted(nesting: Nesting) -> str:
    one = f'{{"estimator": "<{nesting.task}>", "hyperparameters": {{}}}}'
    return f"a list of 1 to {MEMBER_LIMIT} of {one}" if nesting.is_list else one


def _members(given: Any, nesting: Nesting) -> list[Any]:
    if given is None:
        return []
    return list(given) if nesting.is_list else [given]


def _check_work(name: str, hyperparameters: Mapping[str, Any], details: Details) -> None:
    """Bound the product of ``n_estimators`` along each path: a thousand forests of a thousand trees are a million."""
    if details:
        return
    count, bound = _member_count(name, hyperparameters), BOUNDS["n_estimators"]
    if count > bound:
        problem = f"nested in each other these are {count:,} estimators; {bound:,.0f} at most on this service"
        details.append({"where": "hyperparameters", "problem": problem, "given": count})


def _member_count(name: str, hyperparameters: Mapping[str, Any]) -> int:
    entry = find_estimator(name)
    given = hyperparameters.get("n_estimators")
    own = given if type(given) is int else entry.default_member_count
    inner = [
        sum(_member_count(one["estimator"], one.get("hyperparameters", {})) for one in members)
        for parameter, nesting in entry.nested.items()
        if (members := _members(hyperparameters.get(parameter), nesting))
    ]
    return own * max(sum(inner), 1)
