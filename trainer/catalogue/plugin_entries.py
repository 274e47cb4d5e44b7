"""Installed plug-ins in the catalogue: their hyperparameters are validated by their own JSON Schemas."""

import functools
from typing import Any

from modelbus.shared.models.installed_plugins import InstalledPlugin, InstalledPlugins, LeftOutPlugin, installed_plugins
from modelbus.shared.models.plugin_api import EstimatorPlugin
from modelbus.trainer.catalogue.constraints import Schema, accepts
from modelbus.trainer.catalogue.documentation import parameter_descriptions
from modelbus.trainer.catalogue.hyperparameters import BOUNDS, FORBIDDEN, Hyperparameter, bounded
from modelbus.trainer.catalogue.plugin_schemas import choices_of, schema_fault


@functools.cache
def trainable_plugins() -> InstalledPlugins:
    """The installed plug-ins; those whose hyperparameters cannot be validated are among the faulty ones."""
    installed = installed_plugins()
    usable, left_out = {}, dict(installed.left_out)
    for name, one in installed.usable.items():
        fault = _hyperparameters_fault(one.plugin)
        if fault is None:
            usable[name] = one
        else:
            left_out[name] = LeftOutPlugin(name, one.distribution, fault)
    return InstalledPlugins(usable, left_out)


def settable_of(
    installed: InstalledPlugin, defaults: dict[str, Any]
) -> tuple[dict[str, Hyperparameter], dict[str, str]]:
    """Sort a plug-in's constructor arguments, as ``hyperparameters.settable`` does for scikit-learn's estimators.

    Args:
        installed: One of ``trainable_plugins``.
        defaults: The constructor's arguments and their defaults.

    Returns:
        The settable arguments by name, and the reason for each of the others.
    """
    plugin, descriptions = installed.plugin, parameter_descriptions(installed.plugin.estimator_type)
    allowed = {
        name: _hyperparameter(name, dict(schema), descriptions.get(name), defaults[name])
        for name, schema in sorted(plugin.hyperparameters.items())
    }
    refused = {
        name: FORBIDDEN.get(
            name, "it is set by the service" if name in plugin.fixed else "the plug-in does not offer it"
        )
        for name in defaults.keys() - allowed.keys()
    }
    return allowed, refused


def _hyperparameters_fault(plugin: EstimatorPlugin) -> str | None:
    for name, schema in plugin.hyperparameters.items():
        if name in FORBIDDEN:
            return f"{name} cannot be a hyperparameter: {FORBIDDEN[name]}"
        fault = schema_fault(name, schema)
        if fault is not None:
            return fault
        if "default" in schema and not any(accepts(each, schema["default"]) for each in _choices(name, dict(schema))):
            return f"the schema of {name}: the default must be at most {BOUNDS[name]:,} on this service"
    return None


def _hyperparameter(name: str, schema: Schema, description: str | None, default: Any) -> Hyperparameter:
    """Description and default come from the schema, or else from the class's docstring and constructor."""
    choices = _choices(name, schema)
    published: Schema = dict(choices[0]) if len(choices) == 1 else {"anyOf": choices}
    if description:
        published["description"] = description
    if any(accepts(choice, default) for choice in choices):
        published["default"] = default
    published |= {key: value for key, value in schema.items() if key in ("description", "default")}
    return Hyperparameter(name, None, choices, published)


def _choices(name: str, schema: Schema) -> list[Schema]:
    return bounded(name, choices_of(schema))
