"""The door for authors of plug-ins: an estimator of a package's own becomes one of Modelbus's.

A package names an ``EstimatorPlugin`` in the entry-point group ``GROUP``; docs/plugins.md shows whole packages.

Example:
    >>> from modelbus.plugins import EstimatorPlugin
    >>> MEDIAN = EstimatorPlugin(Median, "regression", {"quantile": {"type": "number", "minimum": 0, "maximum": 1}})

and in the package's ``pyproject.toml``::

    [project.entry-points."modelbus.estimators"]
    MedianRegressor = "acme_estimators:MEDIAN"
"""

from modelbus.shared.models.plugin_api import GROUP, EstimatorPlugin

__all__ = ["GROUP", "EstimatorPlugin"]
