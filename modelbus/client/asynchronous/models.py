"""Models and their versions: read, set aliases, tag, retrain, download, delete."""

import builtins
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

from modelbus.client.arguments.checking import Checked
from modelbus.client.arguments.options import RetrainingOptions
from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.job import AsyncJob
from modelbus.client.calls import Call, job_call, path_of, record_of
from modelbus.client.job_results import read_training
from modelbus.client.shown.records import Model, Version
from modelbus.client.typed_answers import Candidates, TrainedVersion, VersionUsage
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.errors import UnknownModel

ModelList = list[Model]


class AsyncModels(Checked):
    """Models: immutable versions under one name, with aliases that point at some of them."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> ModelList:
        """All models."""
        pages = self._transport.pages("/models", "models")
        return [record_of(Model, one) async for page in pages for one in page]

    async def get(self, name: str) -> Model:
        """One model: the numbers of its versions, and its aliases.

        Raises:
            UnknownModel: No model has that name.
        """
        return record_of(Model, await self._transport.document("GET", path_of("models", name)))

    async def version(self, reference: str) -> Version:
        """One version, with its whole lineage.

        Args:
            reference: ``name`` (its champion), ``name@alias`` or ``name@3``.

        Raises:
            UnknownModel: The model, alias or version does not exist.
        """
        return record_of(Version, await self._transport.document("GET", await self._path(reference)))

    async def versions(self, name: str) -> builtins.list[Version]:
        """All versions of a model, oldest first.

        Raises:
            UnknownModel: No model has that name.
        """
        return [await self.version(f"{name}@{number}") for number in (await self.get(name)).versions]

    async def usage(self, reference: str) -> VersionUsage:
        """The predictions of a version so far: requests, rows, and incidents by column.

        Raises:
            UnknownModel: The model, alias or version does not exist.
        """
        path = f"{await self._path(reference)}/usage"
        return record_of(VersionUsage, await self._transport.document("GET", path))

    async def candidates(self, reference: str) -> Candidates:
        """The candidates that a version was chosen from, best first.

        Raises:
            NotFound: The version does not come from a search, or from ``auto``.
            UnknownModel: The model, alias or version does not exist.
        """
        path = f"{await self._path(reference)}/candidates"
        return record_of(Candidates, await self._transport.document("GET", path))

    async def set_alias(self, name: str, alias: str, version: int) -> Model:
        """Point an alias, such as ``champion``, at a version.

        Raises:
            UnknownModel: The version does not exist.
        """
        path = path_of("models", name, "aliases", alias)
        return record_of(Model, await self._transport.document("PUT", path, {"version": version}))

    async def remove_alias(self, name: str, alias: str) -> None:
        """Remove an alias; the version stays.

        Raises:
            UnknownModel: The model or the alias does not exist.
        """
        await self._transport.document("DELETE", path_of("models", name, "aliases", alias))

    async def tag(
        self, reference: str, tags: Mapping[str, str | None] | None = None, *, note: str | None = None
    ) -> Version:
        """Change the tags and the note of a version.

        Args:
            reference: ``name``, ``name@alias`` or ``name@3``.
            tags: Tags to set; None as a value removes a tag. Others stay.
            note: Another note; None keeps the present one.

        Raises:
            UnknownModel: The model, alias or version does not exist.
        """
        changes = {"tags": dict(tags or {}), "note": note}
        return record_of(Version, await self._transport.document("PATCH", await self._path(reference), changes))

    async def retrain(self, reference: str, **changes: Unpack[RetrainingOptions]) -> AsyncJob[TrainedVersion]:
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
        await self._transport.send(call)
        return AsyncJob(self._transport, str(call.correlation_id), read_training)

    async def download_artifact(self, reference: str, path: "str | os.PathLike[str]") -> Path:
        """Save a version's artifact, a skops file; docs/training.md shows how to use it without Modelbus.

        Returns:
            The path.

        Raises:
            UnknownModel: The model, alias or version does not exist.
        """
        target = Path(path)
        await self._transport.save(Call("GET", f"{await self._path(reference)}/artifact"), target)
        return target

    async def delete_version(self, reference: str, *, force: bool = False) -> None:
        """Delete one version and its artifact.

        Args:
            reference: ``name@3``, or an alias.
            force: Delete it even if an alias points at it.

        Raises:
            UnknownModel: The version does not exist.
            StillInUse: An alias points at it.
        """
        path = await self._path(reference)
        await self._transport.document("DELETE", path, force="true" if force else None)

    async def delete(self, name: str) -> None:
        """Delete a model with all its versions.

        Raises:
            UnknownModel: No model has that name.
        """
        await self._transport.document("DELETE", path_of("models", name))

    async def _path(self, reference: str) -> str:
        """The path of a version, by its number; an alias is resolved."""
        name, selector = split_reference(reference)
        if isinstance(selector, str):
            aliases = (await self.get(name)).aliases
            if selector not in aliases:
                known = ", ".join(sorted(aliases)) or "none"
                raise UnknownModel(f"model {name!r} has no alias {selector!r}; its aliases: {known}")
            selector = aliases[selector]
        return path_of("models", name, "versions", selector)
