"""The plug-ins that are installed in this environment: found by their entry points, and validated.

A faulty plug-in is not offered, and the reason is reported; it does not prevent a service from starting. All services
read the same entry points: the trainer to offer the estimators, predictor and evaluator to load their models.
"""

import functools
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distributions, version
from typing import Any, Final

import structlog
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils import all_estimators

from modelbus.shared.models.plugin_api import GROUP, EstimatorPlugin
from modelbus.shared.plural import agreeing
from modelbus.shared.tabular.predicting.model import words_of

log = structlog.get_logger()

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True)
class InstalledPlugin:
    """A plug-in that can be used."""

    name: str
    """The estimator's name in the catalogue."""
    distribution: str
    """The normalized name of the package with the entry point."""
    version: str
    """The package's version."""
    plugin: EstimatorPlugin

    @property
    def libraries(self) -> dict[str, str]:
        """The versions of the distributions that its models depend on, by normalized name."""
        found = {normalized(name): version(name) for name in self.plugin.libraries}
        return {self.distribution: self.version, **found}

    @property
    def trusted_types(self) -> frozenset[str]:
        """Dotted names of the types that its models may contain: the estimator itself, and those that it names."""
        own = self.plugin.estimator_type
        return frozenset({f"{own.__module__}.{own.__name__}", *self.plugin.trusted_types})


@dataclass(frozen=True)
class LeftOutPlugin:
    """A plug-in that cannot be used."""

    name: str
    distribution: str
    reason: str


@dataclass(frozen=True)
class InstalledPlugins:
    """The plug-ins of this environment, by name."""

    usable: dict[str, InstalledPlugin]
    left_out: dict[str, LeftOutPlugin]


@functools.cache
def installed_plugins() -> InstalledPlugins:
    """All plug-ins of this environment; imported and validated once per process."""
    packages: dict[str, Distribution] = {}
    for package in distributions():
        if _has_group(package):
            packages.setdefault(_name_of(package), package)  # the first one on the path is the one that is imported
    judged = [one for name, package in packages.items() for one in _judge(name, package)]
    counts = Counter(one.name for one in judged)
    usable = {one.name: one for one in judged if isinstance(one, InstalledPlugin) and counts[one.name] == 1}
    left_out = {one.name: _left_out(one, judged) for one in judged if one.name not in usable}
    return InstalledPlugins(usable, left_out)


def log_plugins(plugins: InstalledPlugins) -> None:
    """Log which plug-ins were found, and which cannot be used and why; once, when a service starts."""
    for one in plugins.usable.values():
        log.info("plugin.found", estimator=one.name, distribution=one.distribution, version=one.version)
    for other in plugins.left_out.values():
        log.warning("plugin.excluded", estimator=other.name, distribution=other.distribution, reason=other.reason)


def plugins_of(estimators: Iterable[Any]) -> list[InstalledPlugin]:
    """The plug-ins whose estimators are among these."""
    types = {type(estimator) for estimator in estimators}
    return [one for one in installed_plugins().usable.values() if one.plugin.estimator_type in types]


def normalized(distribution: str) -> str:
    """The normalized name of a distribution: ``My_Plugin`` becomes ``my-plugin``."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _has_group(package: Distribution) -> bool:
    return GROUP in (package.read_text("entry_points.txt") or "")


def _name_of(package: Distribution) -> str:
    try:
        return normalized(package.name)
    except Exception:  # noqa: BLE001 - missing metadata raises different errors in each release of Python
        return ""


def _version_of(package: Distribution) -> str | None:
    try:
        return package.version
    except Exception:  # noqa: BLE001 - see the name
        return None


def _judge(distribution: str, package: Distribution) -> list[InstalledPlugin | LeftOutPlugin]:
    """All plug-ins of a package."""
    try:
        found = package.entry_points.select(group=GROUP)
    except Exception as error:  # noqa: BLE001 - a handwritten file may be invalid; the others are still read
        reason = f"its metadata cannot be read ({type(error).__name__}: {words_of(error)})"
        return [LeftOutPlugin(distribution or "unknown", distribution, reason)]
    number = _version_of(package)
    return [_judge_one(entry_point, distribution, number) for entry_point in found]


def _judge_one(entry_point: EntryPoint, distribution: str, number: str | None) -> InstalledPlugin | LeftOutPlugin:
    name = entry_point.name
    if not distribution or not number:
        return LeftOutPlugin(name, distribution, "its package has no name or no version to record with models")
    plugin = _name_fault(name) or _load(entry_point)
    if isinstance(plugin, str):
        return LeftOutPlugin(name, distribution, plugin)
    return InstalledPlugin(name, distribution, number, plugin)


def _left_out(one: InstalledPlugin | LeftOutPlugin, judged: Iterable[InstalledPlugin | LeftOutPlugin]) -> LeftOutPlugin:
    packages = sorted(other.distribution for other in judged if other.name == one.name)
    if len(packages) > 1:
        return LeftOutPlugin(one.name, one.distribution, f"the plug-ins of {' and '.join(packages)} have the same name")
    assert isinstance(one, LeftOutPlugin)  # whose name is its own is usable or has a reason
    return one


def _name_fault(name: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "its name must consist of letters, digits and underscores, and begin with a letter"
    if name in _library_names():
        return "its name is that of an estimator of scikit-learn, which a plug-in cannot replace"
    return None


@functools.cache
def _library_names() -> frozenset[str]:
    return frozenset(name for name, _ in all_estimators())


def _load(entry_point: EntryPoint) -> EstimatorPlugin | str:
    """The plug-in, or the reason why it cannot be used."""
    try:
        plugin = entry_point.load()
        return _fault(plugin) or plugin
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code must not prevent the service from starting
        return f"{entry_point.value} cannot be used: {type(error).__name__}: {words_of(error)}"


def _fault(plugin: object) -> str | None:
    if not isinstance(plugin, EstimatorPlugin):
        return f"its entry point must be an EstimatorPlugin, not a {type(plugin).__name__}"
    absent = [name for name in plugin.libraries if not _is_installed(name)]
    if absent:
        return f"it needs {', '.join(absent)}, which {agreeing(len(absent), 'is', 'are')} not installed here"
    return _type_fault(plugin.estimator_type) or _arguments_fault(plugin)


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _type_fault(kind: type[Any]) -> str | None:
    if not issubclass(kind, BaseEstimator):
        return f"{kind.__name__} must be a subclass of sklearn.base.BaseEstimator"
    if kind.__module__.partition(".")[0] == "sklearn":
        return f"{kind.__name__} is scikit-learn's own class; derive one from it"  # models are identified by class
    for method in ("fit", "predict"):
        if not callable(getattr(kind, method, None)):
            return f"{kind.__name__} has no method {method}"
    # artifacts refer to types by module and name
    if getattr(sys.modules.get(kind.__module__), kind.__name__, None) is not kind:
        return f"{kind.__name__} is not a name in {kind.__module__}, so its models could not be loaded"
    return None


def _arguments_fault(plugin: EstimatorPlugin) -> str | None:
    name, both = plugin.estimator_type.__name__, plugin.fixed.keys() & plugin.hyperparameters.keys()
    if both:
        return f"{', '.join(sorted(both))} cannot be both fixed and a hyperparameter"
    estimator = plugin.estimator_type(**plugin.fixed)
    if not {"classification": is_classifier, "regression": is_regressor}[plugin.task](estimator):
        return f"its task is {plugin.task}, but the tags of {name} do not match"
    unknown = (plugin.fixed.keys() | plugin.hyperparameters.keys()) - estimator.get_params(deep=False).keys()
    return f"the constructor of {name} has no argument {', '.join(sorted(unknown))}" if unknown else None
