"""Models and their versions: read, alias, tag, retrain, download, delete."""

import builtins
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.job import AsyncJob
from modelbus.client.calls import Call, job_call, path_of, record_of
from modelbus.client.job_results import read_training
from modelbus.client.typed_answers import Candidates, TrainedVersion, VersionUsage
from modelbus.shared.contracts import ModelRecord, VersionRecord
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.errors import UnknownModel

ModelList = list[ModelRecord]


class AsyncModels:
    """Models: named rows of immutable versions, with aliases that point at some of them."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> ModelList:
        """All models."""
        pages = self._transport.pages("/models", "models")
        return [record_of(ModelRecord, one) async for page in pages for one in page]

    async def get(self, name: str) -> ModelRecord:
        """One model: the numbers of its versions, and its aliases.

        Raises:
            UnknownModel: There is none of that name.
        """
        return record_of(ModelRecord, await self._transport.document("GET", path_of("models", name)))

    async def version(self, reference: str) -> VersionRecord:
        """One version, with its whole lineage.

        Args:
            reference: ``name`` (its champion), ``name@alias`` or ``name@3``.

        Raises:
            UnknownModel: There is no such model, alias or version.
        """
        return record_of(VersionRecord, await self._transport.document("GET", await self._path(reference)))

    async def versions(self, name: str) -> builtins.list[VersionRecord]:
        """All versions of a model, oldest first.

        Raises:
            UnknownModel: There is no model of that name.
        """
        return [await self.version(f"{name}@{number}") for number in (await self.get(name)).versions]

    async def usage(self, reference: str) -> VersionUsage:
        """What a version has answered so far, and what had to be done to the rows.

        Raises:
            UnknownModel: There is no such model, alias or version.
        """
        path = f"{await self._path(reference)}/usage"
        return record_of(VersionUsage, await self._transport.document("GET", path))

    async def candidates(self, reference: str) -> Candidates:
        """All candidates that a version was chosen from, the best first.

        Raises:
            NotFound: The version was trained as its command said: nothing was searched for.
            UnknownModel: There is no such model, alias or version.
        """
        path = f"{await self._path(reference)}/candidates"
        return record_of(Candidates, await self._transport.document("GET", path))

    async def set_alias(self, name: str, alias: str, version: int) -> ModelRecord:
        """Let an alias, such as ``champion``, point at a version.

        Raises:
            UnknownModel: There is no such version.
        """
        path = path_of("models", name, "aliases", alias)
        return record_of(ModelRecord, await self._transport.document("PUT", path, {"version": version}))

    async def remove_alias(self, name: str, alias: str) -> None:
        """Remove an alias; the version stays.

        Raises:
            UnknownModel: There is no such model or alias.
        """
        await self._transport.document("DELETE", path_of("models", name, "aliases", alias))

    async def tag(
        self, reference: str, tags: Mapping[str, str | None] | None = None, *, note: str | None = None
    ) -> VersionRecord:
        """Change what is to be remembered of a version.

        Args:
            reference: ``name``, ``name@alias`` or ``name@3``.
            tags: Tags to set; None removes one. Those that are not named stay.
            note: Another note; None leaves the one that is there.

        Raises:
            UnknownModel: There is no such model, alias or version.
        """
        changes = {"tags": dict(tags or {}), "note": note}
        return record_of(VersionRecord, await self._transport.document("PATCH", await self._path(reference), changes))

    async def retrain(self, reference: str, **changes: Any) -> AsyncJob[TrainedVersion]:
        """Train a version again, with what is changed here; the job that does it.

        Args:
            reference: The version to start from.
            changes: ``dataset``, ``hyperparameters``, ``seed``, ``promote`` (``if_better`` by default),
                ``promote_metric``, ``limits``, ``tags``, ``note``.

        Raises:
            UnknownModel, UnknownDataset, InvalidCommand: There is no such thing, or a change breaks its contract.
        """
        call = job_call(path_of("models", reference, "retrain"), changes)
        await self._transport.send(call)
        return AsyncJob(self._transport, str(call.correlation_id), read_training)

    async def download_artifact(self, reference: str, path: "str | os.PathLike[str]") -> Path:
        """Save a version's artifact, a skops file; docs/training.md says how to use it without Modelbus.

        Returns:
            The path.

        Raises:
            UnknownModel: There is no such model, alias or version.
        """
        target = Path(path)
        await self._transport.save(Call("GET", f"{await self._path(reference)}/artifact"), target)
        return target

    async def delete_version(self, reference: str, *, force: bool = False) -> None:
        """Delete one version and its artifact.

        Args:
            reference: ``name@3``, or an alias.
            force: Also while an alias points at it.

        Raises:
            UnknownModel: There is no such version.
            StillInUse: An alias points at it.
        """
        path = await self._path(reference)
        await self._transport.document("DELETE", path, force="true" if force else None)

    async def delete(self, name: str) -> None:
        """Delete a model with all its versions.

        Raises:
            UnknownModel: There is none of that name.
        """
        await self._transport.document("DELETE", path_of("models", name))

    async def _path(self, reference: str) -> str:
        """The path of a version: by its number, which is looked up where the reference has an alias."""
        name, selector = split_reference(reference)
        if isinstance(selector, str):
            aliases = (await self.get(name)).aliases
            if selector not in aliases:
                there = ", ".join(sorted(aliases)) or "none"
                raise UnknownModel(f"model {name!r} has no alias {selector!r}; there are: {there}")
            selector = aliases[selector]
        return path_of("models", name, "versions", selector)
