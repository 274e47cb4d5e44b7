"""Descriptions of estimators and hyperparameters, taken from scikit-learn's docstrings as plain sentences."""

import inspect
import re

_REFERENCE = re.compile(r":ref:`([^`<]+?)(\s*<[^`]*>)?`")
_ROLE = re.compile(r":[a-z:]+:`~?(?:[\w.]*\.)?([^`<]+?)(?:\s*<[^`]*>)?`")
_SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}|\Z)", re.MULTILINE | re.DOTALL)
_LONGEST = 600


def summary(estimator_type: type) -> str:
    """The first paragraph of the estimator's docstring, on one line; empty if it has none."""
    return _plain(_first_paragraph(inspect.getdoc(estimator_type) or ""))


def parameter_descriptions(estimator_type: type) -> dict[str, str]:
    """The first paragraph about each hyperparameter, on one line, by name."""
    section = _SECTION.search(inspect.getdoc(estimator_type) or "")
    if not section:
        return {}
    found = {}
    # numpydoc: "name : type" at the margin, its description indented beneath
    for heading, body in re.findall(r"^(\w[^\n]*)\n((?:[ \t]+[^\n]*\n|\n)*)", section.group(1) + "\n", re.MULTILINE):
        description = _plain(_first_paragraph(inspect.cleandoc(body)))
        for name in heading.split(" : ")[0].split(","):
            if description:
                found[name.strip()] = description
    return found


def _first_paragraph(text: str) -> str:
    return re.split(r"\n\s*\n|\n\.\. ", text.strip(), maxsplit=1)[0]


def _plain(text: str) -> str:
    # a bare reference is a label inside scikit-learn's manual, which means nothing elsewhere
    text = _REFERENCE.sub(lambda found: found[1] if found[2] else "scikit-learn's manual", text)
    words = " ".join(_ROLE.sub(r"\1", text).replace("``", "`").split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1].rsplit(" ", 1)[0] + "…"
