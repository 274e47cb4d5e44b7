"""Construct an unfitted estimator, with the estimators inside it, from a name and hyperparameters.

An estimator inside another is given as ``{"estimator": name, "hyperparameters": {...}}``, from the same catalogue and
under the same rules, at most ``DEPTH_LIMIT`` levels deep.
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
"""Maximum levels of nesting: an estimator, one inside it, and one inside that."""

Details = list[dict[str, Any]]


def make_estimator(name: str, hyperparameters: Mapping[str, Any], seed: int) -> Any:
    """Construct an estimator, unfitted.

    Args:
        name: A name of the catalogue.
        hyperparameters: Plain JSON values; 1 and 1.0 are kept apart, because they can mean different things. Values
            that refer to classes (``class_weight``, ``constant``) are labels; ``set_class_labels`` translates them to
            codes.
        seed: The ``random_state`` of the estimator and of those inside it, where they have one.

    Raises:
        UnknownEstimator: The catalogue has no such name.
        InvalidCommand: With one detail for each hyperparameter that is unknown, forbidden, or has a wrong value.
    """
    details: Details = []
    made = _Maker(seed, details).make(find_estimator(name), hyperparameters, "hyperparameters", 1)
    _check_work(name, hyperparameters, details)
    if details:
        raise InvalidCommand("; ".join(str(detail["problem"]) for detail in details[:3]), details=details)
    return made


def set_class_labels(estimator: Any, name: str, hyperparameters: Mapping[str, Any], classes: Sequence[Any]) -> None:
    """Translate hyperparameters that refer to classes from labels to codes, in the estimator and in those inside it.

    Args:
        estimator: As ``make_estimator`` made it.
        name: Its name in the catalogue.
        hyperparameters: As given to ``make_estimator``.
        classes: The labels, in the order of their codes.

    Raises:
        InvalidCommand: A label does not occur in the training rows, or is a weight inside an estimator that compares
            classes two at a time.
    """
    entry = find_estimator(name)
    translate_class_labels(estimator, hyperparameters, classes)
    for parameter, nesting in entry.nested.items():
        inner = _members(hyperparameters.get(parameter), nesting)
        made = getattr(estimator, parameter)
        for specification, one in zip(inner, [each for _, each in made] if nesting.is_list else [made], strict=False):
            given = specification.get("hyperparameters", {})
            if not nesting.keeps_classes and isinstance(given.get("class_weight"), dict):
                problem = f"{name} compares classes two at a time, so its inner estimators cannot weight single classes"
                where = f"hyperparameters.{parameter}.hyperparameters.class_weight"
                raise InvalidCommand(problem, details=[{"where": where, "problem": problem, "expected": "balanced"}])
            set_class_labels(one, specification["estimator"], given, classes)


class _Maker:
    """Constructs estimators and collects the faults of their specifications."""

    def __init__(self, seed: int, details: Details) -> None:
        self._seed = seed
        self._details = details

    def make(self, entry: CatalogueEntry, hyperparameters: Mapping[str, Any], where: str, depth: int) -> Any:
        """Construct an estimator; None if its specification is invalid."""
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
                self._add(place, f"{name} requires {parameter}: {_wanted(nesting)}")
        if self._details:
            return None
        if entry.is_seeded:
            values["random_state"] = self._seed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # a class that will be removed warns; the release is pinned
            try:
                return entry.estimator_type(**{**entry.fixed, **values})
            except Exception as error:  # noqa: BLE001 - a plug-in's constructor may validate too
                return self._add(where, f"{name} does not accept these hyperparameters: {words_of(error)}")

    def _nested(self, outer: str, given: Any, nesting: Nesting, where: str, depth: int) -> Any:
        if not nesting.is_list:
            return self._member(outer, given, nesting, where, depth)
        if not isinstance(given, list) or not 1 <= len(given) <= MEMBER_LIMIT:
            return self._add(where, f"{where} must be {_wanted(nesting)}")
        members = [self._member(outer, one, nesting, f"{where}.{index}", depth) for index, one in enumerate(given)]
        return list(zip(self._member_names(given, where), members, strict=True))

    def _member(self, outer: str, given: Any, nesting: Nesting, where: str, depth: int) -> Any:
        known = {"estimator", "hyperparameters", "name"} if nesting.is_list else {"estimator", "hyperparameters"}
        if not isinstance(given, dict) or not isinstance(given.get("estimator"), str) or not given.keys() <= known:
            return self._add(where, f"{where} must be {_wanted(nesting)}")
        hyperparameters = given.get("hyperparameters", {})
        if not isinstance(hyperparameters, dict):
            return self._add(f"{where}.hyperparameters", "hyperparameters must be an object")
        if depth >= DEPTH_LIMIT:
            return self._add(where, f"estimators can be nested at most {DEPTH_LIMIT} levels deep")
        try:
            entry = find_estimator(given["estimator"])
        except ModelbusError as error:
            return self._add(f"{where}.estimator", error.message)
        if entry.record.task != nesting.task:
            does = entry.record.task
            return self._add(
                f"{where}.estimator", f"{outer} needs a {nesting.task} estimator here; {entry.record.name} does {does}"
            )
        return self.make(entry, hyperparameters, f"{where}.hyperparameters", depth + 1)

    def _member_names(self, given: list[Any], where: str) -> list[str]:
        names = member_names(given)
        for index, one in enumerate(given):
            name = one.get("name") if isinstance(one, dict) else None
            if name is not None and (not isinstance(name, str) or not name or "__" in name or name in names[:index]):
                self._add(f"{where}.{index}.name", "a name must be unique text without two underscores in a row")
        return names

    def _note(self, details: Sequence[Mapping[str, Any]], where: str) -> None:
        for detail in details:
            self._details.append({**detail, "where": str(detail["where"]).replace("hyperparameters", where, 1)})

    def _add(self, where: str, problem: str) -> None:
        self._details.append({"where": where, "problem": problem})


def member_names(given: Sequence[Any]) -> list[str]:
    """The names of the members of a vote or a stack: given, or the estimator's, with a number to make it unique."""
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
    """Limit the product of ``n_estimators`` along each path: a thousand forests of a thousand trees are a million."""
    if details:
        return
    count, bound = _member_count(name, hyperparameters), BOUNDS["n_estimators"]
    if count > bound:
        problem = f"nested, these are {count:,} estimators; the maximum on this service is {bound:,.0f}"
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
