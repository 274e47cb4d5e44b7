# Made from ../asynchronous/models.py by tools/twin.py: change it there, then run `make twin`.
"""Models and their versions: read, set aliases, tag, retrain, download, delete."""

import builtins
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

from modelbus.client.arguments.checking import Checked
from modelbus.client.arguments.options import RetrainingOptions
from modelbus.client.calls import Call, job_call, path_of, record_of
from modelbus.client.job_results import read_training
from modelbus.client.shown.records import Model, Version
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.synchronous.job import Job
from modelbus.client.typed_answers import Candidates, TrainedVersion, VersionUsage
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.errors import UnknownModel

ModelList = list[Model]


class Models(Checked):
    """Models: immutable versions under one name, with aliases that point at some of them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> ModelList:
        """All models."""
        pages = self._transport.pages("/models", "models")
        return [record_of(Model, one) for page in pages for one in page]

    def get(self, name: str) -> Model:
        """One model: the numbers of its versions, and its aliases.

        Raises:
            UnknownModel: No model has that name.
        """
        return record_of(Model, self._transport.document("GET", path_of("models", name)))

    def version(self, reference: str) -> Version:
        """One version, with its whole lineage.

        Args:
            reference: ``name`` (its champion), ``name@alias`` or ``name@3``.

        Raises:
            UnknownModel: The model, alias or version does not exist.
        """
        return record_of(Version, self._transport.document("GET", self._path(reference)))

    def versions(self, name: str) -> builtins.list[Version]:
        """All versions of a model, oldest first.

        Raises:
            UnknownModel: No model has that name.
        """
        return [self.version(f"{name}@{number}") for number in (self.get(name)).versions]

    def usage(self, reference: str) -> VersionUsage:
        """The predictions of a version so far: requests, rows, and incidents by column.

        Raises:
            UnknownModel: The model, alias or version does not exist.
        """
        path = f"{self._path(reference)}/usage"
        return record_of(VersionUsage, self._transport.document("GET", path))

    def candidates(self, reference: str) -> Candidates:
        """The candidates that a version was chosen from, best first.

        Raises:
            NotFound: The version does not come from a search, or from ``auto``.
            UnknownModel: The model, alias or version does not exist.
        """
        path = f"{self._path(reference)}/candidates"
        return record_of(Candidates, self._transport.document("GET", path))

    def set_alias(self, name: str, alias: str, version: int) -> Model:
        """Point an alias, such as ``champion``, at a version.

        Raises:
            UnknownModel: The version does not exist.
        """
        path = path_of("models", name, "aliases", alias)
        return record_of(Model, self._transport.document("PUT", path, {"version": version}))

    def remove_alias(self, name: str, alias: str) -> None:
        """Remove an alias; the version stays.

        Raises:
            UnknownModel: The model or the alias does not exist.
        """
        self._transport.document("DELETE", path_of("models", name, "aliases", alias))

    def tag(self, reference: str, tags: Mapping[str, str | None] | None = None, *, note: str | None = None) -> Version:
        """Change the tags and the note of a version.

        Args:
            reference: ``name``, ``name@alias`` or ``name@3``.
            tags: Tags to set; None as a value removes a tag. Others stay.
            note: Another note; None keeps the present one.

        Raises:
            UnknownModel: The model, alias or version does not exist.
        """
        changes = {"tags": dict(tags or {}), "note": note}
        return record_of(Version, self._transport.document("PATCH", self._path(reference), changes))

    def retrain(self, reference: str, **changes: Unpack[RetrainingOptions]) -> Job[TrainedVersion]:
        """Start training a version again, with changes.

        Args:
            reference: The version to start from.
            changes: The other fields of the command: ``dataset``, ``hyperparameters``, ``tuning``, ``search``,
                ``seed``, ``promote`` (default: ``if_better``), ``promote_metric``, ``limits``, ``tags``, ``note``, …

        Returns:
            The job; its result is the new version.

        Raises:
            UnknownModel, UnknownDataset, InvalidCommand: The training is refused; ``details`` names each field.
        """
        call = job_call(path_of("models", reference, "retrain"), changes)
        self._transport.send(call)
        return Job(self._transport, str(call.correlation_id), read_training)

    def download_artifact(self, reference: str, path: "str | os.PathLike[str]") -> Path:
        """Save a version's artifact, a skops file; docs/training.md shows how to use it without Modelbus.

        Returns:
            The path.

        Raises:
            UnknownModel: The model, alias or version does not exist.
        """
        target = Path(path)
        self._transport.save(Call("GET", f"{self._path(reference)}/artifact"), target)
        return target

    def delete_version(self, reference: str, *, force: bool = False) -> None:
        """Delete one version and its artifact.

        Args:
            reference: ``name@3``, or an alias.
            force: Delete it even if an alias points at it.

        Raises:
            UnknownModel: The version does not exist.
            StillInUse: An alias points at it.
        """
        path = self._path(reference)
        self._transport.document("DELETE", path, force="true" if force else None)

    def delete(self, name: str) -> None:
        """Delete a model with all its versions.

        Raises:
            UnknownModel: No model has that name.
        """
        self._transport.document("DELETE", path_of("models", name))

    def _path(self, reference: str) -> str:
        """The path of a version, by its number; an alias is resolved."""
        name, selector = split_reference(reference)
        if isinstance(selector, str):
            aliases = (self.get(name)).aliases
            if selector not in aliases:
                known = ", ".join(sorted(aliases)) or "none"
                raise UnknownModel(f"model {name!r} has no alias {selector!r}; its aliases: {known}")
            selector = aliases[selector]
        return path_of("models", name, "versions", selector)
