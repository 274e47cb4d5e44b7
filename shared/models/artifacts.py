"""Serialization of models; the only module that uses skops.

An artifact is checked in this order before it is loaded, and refused at the first fault: SHA-256, before anything is
parsed; library versions; unpacked size, from the zip directory; types, against the fixed list below; scikit-learn's own
version marker. Pickle is never used, and the result of ``get_untrusted_types`` is never trusted, as that would trust
whatever the file asks for.

A model of a plug-in may also contain the types that the plug-in names (ADR 0012); other models may not. Only plug-ins
that are installed here and recorded with the version are used.

skops prevents foreign code from running, but does not check contents: a crafted tree with node indices out of range can
crash the process during prediction. Therefore the SHA-256 comes from the version's record, not from the file.

To extend ``TRUSTED_TYPES``: dump the new estimator with each of its options, read what the type does when it is built
from a file (``__setstate__``, ``__reduce__``), and add its dotted name with a word on why it is there.
"""

import hashlib
import io
import platform
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np
import orjson
import skops.io
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning
from skops.io.exceptions import UntrustedTypesFoundException

from modelbus.shared.contracts import Signature
from modelbus.shared.errors import ArtifactRefused
from modelbus.shared.models.installed_plugins import InstalledPlugin, installed_plugins, plugins_of
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from modelbus.shared.tabular.predicting.model import FittedModel

LAYOUT: Final = 1
"""Raised when the layout of the file changes: older artifacts are then refused, and their models must be retrained."""

TRUSTED_TYPES: Final[Mapping[str, str]] = {
    "sklearn._loss.loss.HalfTweedieLoss": "loss of TweedieRegressor",
    "sklearn._loss.loss.HalfTweedieLossIdentity": "loss of TweedieRegressor",
    "sklearn.calibration._CalibratedClassifier": "one fold of CalibratedClassifierCV",
    "sklearn.calibration._SigmoidCalibration": "CalibratedClassifierCV(method='sigmoid')",
    "sklearn.calibration._TemperatureScaling": "CalibratedClassifierCV(method='temperature')",
    "sklearn.cluster._bisect_k_means._BisectingTree": "tree of BisectingKMeans: a plain class, built without code",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": "one tree of HistGradientBoosting*",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace": "core of GaussianProcessClassifier",
    "sklearn.gaussian_process.kernels.ConstantKernel": "default kernel of GaussianProcess*",
    "sklearn.gaussian_process.kernels.Product": "default kernel of GaussianProcess*",
    "sklearn.gaussian_process.kernels.RBF": "default kernel of GaussianProcess*",
    "sklearn.metrics._dist_metrics.BrayCurtisDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.CanberraDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.ChebyshevDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.DiceDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.EuclideanDistance64": "default metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.HammingDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.JaccardDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.ManhattanDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64": "metric of *Neighbors* with p other than 1 and 2",
    "sklearn.metrics._dist_metrics.RogersTanimotoDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.RussellRaoDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.SokalMichenerDistance64": "metric of *Neighbors*",
    "sklearn.metrics._dist_metrics.SokalSneathDistance64": "metric of *Neighbors*",
    "sklearn.multiclass._ConstantPredictor": "OutputCodeClassifier if a code has a single value",
    "sklearn.neighbors._ball_tree.BallTree": "index of *Neighbors*",
    "sklearn.neighbors._kd_tree.KDTree": "index of *Neighbors*",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer": "MLP*(solver='adam')",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer": "MLP*(solver='sgd')",
    "sklearn.tree._tree.Tree": "nodes of a tree: DecisionTree*, forests, GradientBoosting*, AdaBoost*, Bagging*",
    "sklearn.utils._bunch.Bunch": "a dict; Stacking* and Voting* keep their members by name in it",
}
"""Allowed types in addition to those that skops trusts by default, each with the reason. Nothing else is ever loaded,
except for types that a model's own plug-ins name."""

_RETRAIN: Final = "retrain the model"
_ENTRY_LIMIT: Final = 1_000_000
_OWN_LIBRARIES: Final = ("scikit-learn", "numpy", "scipy", "skops")


def library_versions(estimator: Any = None) -> dict[str, str]:
    """The versions of the libraries that an artifact depends on, for the version's record.

    Args:
        estimator: The estimator of the artifact; its plug-ins add their own packages and libraries.
    """
    versions = {name: version(name) for name in _OWN_LIBRARIES}
    for one in _plugins_within(estimator):
        versions = {**one.libraries, **versions}
    return {**versions, "python": platform.python_version()}


def dump_model(model: FittedModel) -> bytes:
    """Serialize a model to a compressed skops file.

    Raises:
        ArtifactRefused: The model contains something that could not be loaded again, so it cannot be stored.
    """
    contents = {
        "layout": LAYOUT,
        "encoder": model.encoder.state(),
        "estimator": model.estimator,
        "signature": orjson.dumps(model.signature.model_dump()).decode(),
    }
    try:
        # level 1: the sizes of the default level at a third of its time
        payload: bytes = skops.io.dumps(contents, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    except Exception as error:
        raise ArtifactRefused(f"{type(model.estimator).__name__} cannot be stored: {error}") from error
    trusted = _trusted_types(_plugins_within(model.estimator))
    foreign = set(skops.io.get_untrusted_types(data=payload)) - trusted
    if foreign:
        named = ", ".join(sorted(foreign))
        name = type(model.estimator).__name__
        raise ArtifactRefused(f"{name} cannot be stored, because it contains types that are not allowed: {named}")
    return payload


def load_model(
    payload: bytes,
    sha256: str,
    libraries: Mapping[str, str],
    limit_bytes: int,
    *,
    make_room: Callable[[int], None] | None = None,
) -> FittedModel:
    """Load a model that ``dump_model`` has written.

    Args:
        payload: The file.
        sha256: The expected digest, from the version's record, in hex.
        libraries: The result of ``library_versions`` when it was written.
        limit_bytes: Maximum unpacked size.
        make_room: Called with the unpacked size in bytes before the file is unpacked.

    Returns:
        The model. Every ``n_jobs`` in it is None, because a thread pool makes single rows slower; in an estimator of a
        plug-in, it is the plug-in's fixed value, because None means all cores to some libraries.

    Raises:
        ArtifactRefused: The file is not the stored one, was written with another release of scikit-learn or of a
            plug-in, needs a plug-in that is not installed, is too large or broken, or contains a type that is not
            allowed.
    """
    _verify_hash(payload, sha256)
    _verify_libraries(libraries)
    size_bytes = _verified_size(payload, limit_bytes)
    if make_room is not None:
        make_room(size_bytes)
    contents = _load(payload, libraries)
    try:
        if contents["layout"] != LAYOUT:
            layout = contents["layout"]
            raise ArtifactRefused(f"artifact layout {layout} is not supported, only {LAYOUT}: {_RETRAIN}")
        encoder = TabularEncoder.from_state(contents["encoder"])
        signature = Signature.model_validate(orjson.loads(contents["signature"]))
        estimator = contents["estimator"]
        if not isinstance(estimator, BaseEstimator) or not hasattr(estimator, "predict"):
            raise TypeError(f"it contains a {type(estimator).__name__} instead of an estimator")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ArtifactRefused(f"the artifact is not a model of this release ({error}): {_RETRAIN}") from error
    _reset_n_jobs(estimator)
    return FittedModel(encoder, estimator, signature)


def _verify_hash(payload: bytes, sha256: str) -> None:
    actual = hashlib.sha256(payload).hexdigest()
    if actual != sha256.lower():
        raise ArtifactRefused(
            f"the artifact has changed since it was stored: its SHA-256 is {actual}, but {sha256} was recorded"
        )


def _verify_libraries(libraries: Mapping[str, str]) -> None:
    _verify_release("scikit-learn", libraries.get("scikit-learn", "an unknown release"))
    for name in libraries.keys() - {*_OWN_LIBRARIES, "python"}:
        _verify_release(name, libraries[name])


def _verify_release(name: str, written: str) -> None:
    try:
        running = version(name)
    except PackageNotFoundError as error:
        raise ArtifactRefused(
            f"the model needs {name} {written} of a plug-in, which is not installed in this service; install the same "
            "plug-ins for trainer, predictor and evaluator"
        ) from error
    if written.split(".")[:2] != running.split(".")[:2]:
        raise ArtifactRefused(f"the model was trained with {name} {written}, and {running} is installed: {_RETRAIN}")


def _verified_size(payload: bytes, limit_bytes: int) -> int:
    """The unpacked size of the file in bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ArtifactRefused(f"the artifact is not a skops file, or is truncated: {error}") from error
    size_bytes = sum(entry.file_size for entry in entries)
    if size_bytes > limit_bytes or len(entries) > _ENTRY_LIMIT:
        raise ArtifactRefused(f"the unpacked artifact has {size_bytes:,} bytes; the limit is {limit_bytes:,}")
    return size_bytes


def _plugins_within(estimator: Any) -> list[InstalledPlugin]:
    return plugins_of(_parts(estimator, set())) if installed_plugins().usable else []


def _plugins_in(libraries: Mapping[str, str]) -> list[InstalledPlugin]:
    return [one for one in installed_plugins().usable.values() if one.distribution in libraries]


def _trusted_types(plugins: list[InstalledPlugin]) -> set[str]:
    return TRUSTED_TYPES.keys() | {name for one in plugins for name in one.trusted_types}


def _load(payload: bytes, libraries: Mapping[str, str]) -> Any:
    trusted = sorted(_trusted_types(_plugins_in(libraries)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # a class about to be removed says so when it is built
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return skops.io.loads(payload, trusted=trusted)
        except UntrustedTypesFoundException as error:
            problem = f"the artifact contains types that are not allowed: {error}{_on_faulty_plugins(libraries)}"
            raise ArtifactRefused(problem) from error
        except InconsistentVersionWarning as error:
            raise ArtifactRefused(f"{error} {_RETRAIN}") from error
        except Exception as error:  # a broken file fails anywhere inside skops, numpy, zipfile or json
            raise ArtifactRefused(f"the artifact cannot be read ({type(error).__name__}: {error})") from error


def _on_faulty_plugins(libraries: Mapping[str, str]) -> str:
    """Why plug-ins of the model cannot be used here, as the end of a message; empty if there are none."""
    left_out = [one for one in installed_plugins().left_out.values() if one.distribution in libraries]
    return "".join(f"; the plug-in {one.name} of {one.distribution} cannot be used: {one.reason}" for one in left_out)


def _reset_n_jobs(estimator: Any) -> None:
    fixed = {one.plugin.estimator_type: one.plugin.fixed.get("n_jobs") for one in installed_plugins().usable.values()}
    for part in _parts(estimator, set()):
        if getattr(part, "n_jobs", None) is not None:
            part.n_jobs = fixed.get(type(part))


def _parts(value: Any, visited: set[int]) -> Iterator[BaseEstimator]:
    """The estimator and all estimators inside it."""
    if id(value) in visited:
        return
    visited.add(id(value))
    if isinstance(value, BaseEstimator):
        yield value
        inner: Any = vars(value).values()
    elif isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        inner = value.ravel().tolist() if isinstance(value, np.ndarray) else value
    else:
        # helpers such as a fold of CalibratedClassifierCV hold estimators without being one
        is_helper = type(value).__module__.startswith("sklearn.") and hasattr(value, "__dict__")
        inner = vars(value).values() if is_helper else ()
    for part in inner:
        yield from _parts(part, visited)
