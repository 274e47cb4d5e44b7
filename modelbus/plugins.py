"""The interface for authors of plug-ins, which add estimators to the catalogue.

A package registers an ``EstimatorPlugin`` in the entry-point group ``GROUP``; docs/plugins.md shows complete packages.

Example:
    >>> from modelbus.plugins import EstimatorPlugin
    >>> MEDIAN = EstimatorPlugin(Median, "regression", {"quantile": {"type": "number", "minimum": 0, "maximum": 1}})

and in the package's ``pyproject.toml``::

    [project.entry-points."modelbus.estimators"]
    MedianRegressor = "acme_estimators:MEDIAN"
"""

from modelbus.shared.models.plugin_api import GROUP, EstimatorPlugin

__all__ = ["GROUP", "EstimatorPlugin"]
