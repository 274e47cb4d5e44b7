"""``modelbus models promote``: point an alias at a version, and say which version it replaced."""

from typing import Annotated, Any

import typer

from modelbus.commands.terminal.model_options import Reference
from modelbus.commands.terminal.session import Session, asks_gateway
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.errors import UnknownModel


@asks_gateway
def promote(
    session: Session,
    reference: Reference,
    alias: Annotated[str, typer.Option(metavar="NAME", help="The alias to move.")] = "champion",
) -> None:
    """Promote a version: move an alias to it, champion by default, and say what it replaced.

    For example:

    - `modelbus models promote prices@3`

    - `modelbus models promote prices@candidate --alias production`
    """
    name, selector = split_reference(reference)
    model = session.client.models.get(name)
    if "@" not in reference:
        raise typer.BadParameter(
            f"name the version to promote, such as {name}@{model.latest_version}, the latest", param_hint="REFERENCE"
        )
    if isinstance(selector, str) and selector not in model.aliases:
        there = ", ".join(sorted(model.aliases)) or "none"
        raise UnknownModel(f"model {name!r} has no alias {selector!r}; its aliases: {there}")
    version = model.aliases[selector] if isinstance(selector, str) else selector
    replaced = model.aliases.get(alias)
    changed = session.client.models.set_alias(name, alias, version)
    document = {"model": name, "alias": alias, "version": version, "replaced": replaced, "aliases": changed.aliases}
    session.printer.show(document, lambda: session.printer.say(_sentence(document)))


def _sentence(document: dict[str, Any]) -> str:
    alias, version, replaced = document["alias"], document["version"], document["replaced"]
    promoted = f"{document['model']}@{version} is {alias} now"
    if replaced is None:
        return f"{promoted}. The alias is new."
    if replaced == version:
        return f"{document['model']}@{version} was {alias} already."
    option = "" if alias == "champion" else f" --alias {alias}"
    back = f"modelbus models promote {document['model']}@{replaced}{option}"
    return f"{promoted}; it replaced version {replaced}. To go back: {back}"
