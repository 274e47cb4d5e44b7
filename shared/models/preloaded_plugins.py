"""Imported by a service's fork server, so that its children have the plug-ins already and need not import them."""

from modelbus.shared.models.installed_plugins import installed_plugins, log_plugins

installed_plugins()


def announce() -> None:
    """Say which plug-ins' models can be loaded."""
    log_plugins(installed_plugins())
