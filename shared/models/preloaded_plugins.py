"""Imported by a service's fork server, so that its children start with the plug-ins loaded."""

from modelbus.shared.models.installed_plugins import installed_plugins, log_plugins

installed_plugins()


def announce() -> None:
    """Log the plug-ins whose models can be loaded."""
    log_plugins(installed_plugins())
