"""What surrounds the code: the workflow runs the Makefile's targets, examples are listed, files say one version."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelbus.shared.version import VERSION
from tests.snippets import ROOT
from tools.package_readme import with_absolute_links

WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
TARGET = re.compile(r"^([a-z][a-z-]*):.*## ", re.MULTILINE)
MAKE = re.compile(r"^make ([a-z-]+)$", re.MULTILINE)
APT = re.compile(r"sudo apt-get install --yes ([a-z]+)")
NEED = re.compile(r"need\+=\(([a-z]+)\)")
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")


def targets() -> set[str]:
    return set(TARGET.findall((ROOT / "Makefile").read_text()))


def steps() -> list[dict[str, Any]]:
    return [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_the_workflow_runs_targets_of_the_makefile_and_installs_what_the_gate_installs() -> None:
    commands = [step["run"] for step in steps() if "run" in step]
    installing = {command for command in commands if APT.fullmatch(command)}
    assert installing
    assert {APT.fullmatch(one)[1] for one in installing} <= set(NEED.findall((ROOT / ".ci/run").read_text()))  # type: ignore[index]
    made = [command for command in commands if command not in installing]
    assert [command for command in made if MAKE.fullmatch(command) is None] == []
    assert {MAKE.fullmatch(command)[1] for command in made} <= targets()  # type: ignore[index]


def test_the_workflow_does_what_gates_a_change_here() -> None:
    gate = set(MAKE.findall((ROOT / ".ci/run").read_text()))
    run = {target for step in steps() for target in MAKE.findall(step.get("run", ""))}
    assert gate
    assert gate <= run


def test_the_workflow_tries_each_python_that_the_project_supports() -> None:
    named = [one.rpartition(" ")[2] for one in PROJECT["project"]["classifiers"] if " :: 3." in one]
    assert WORKFLOW["jobs"]["unit"]["strategy"]["matrix"]["python"] == named


def test_the_workflow_may_read_and_nothing_else_and_pins_what_it_uses() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert [job for job in WORKFLOW["jobs"].values() if "permissions" in job] == []
    assert [step["uses"] for step in steps() if "uses" in step and PINNED.fullmatch(step["uses"]) is None] == []
    assert "secrets." not in (ROOT / ".github/workflows/ci.yml").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: str(path.name))
def test_the_files_of_github_are_yaml(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text()), dict)


@pytest.mark.parametrize("form", ["bug.yml", "feature.yml"])
def test_each_question_of_a_form_is_asked_once(form: str) -> None:
    questions = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / form).read_text())["body"]
    asked = [one["id"] for one in questions if one["type"] != "markdown"]
    assert len(asked) == len(set(asked))
    assert all(one["attributes"]["label"] for one in questions if one["type"] != "markdown")


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (VERSION, PROJECT["project"]["license"])


def test_the_packages_readme_has_no_relative_link() -> None:
    source = PROJECT["project"]["urls"]["Source"]
    text = with_absolute_links((ROOT / "README.md").read_text(), source)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert f"{source}/blob/main/docs/http.md" in targets
    assert [target for target in targets if not target.startswith("https://")] == []


def test_links_that_lead_to_a_place_of_the_page_or_elsewhere_stay() -> None:
    text = "[a](#b) [c](https://d.example/e) [f](mailto:g@h.example) [i](j/k.md#l)"
    absolute = with_absolute_links(text, "https://m.example")
    assert absolute == text.replace("(j/", "(https://m.example/blob/main/j/")


def test_the_documentations_tools_are_locked_with_hashes() -> None:
    lock = (ROOT / "docs/requirements.lock").read_text()
    pins = re.findall(r"^([a-z0-9-]+)==[^\n]*\\\n    --hash=", lock, re.MULTILINE)
    named = {re.split(r"[>=<]", one)[0] for one in PROJECT["dependency-groups"]["docs"]}
    assert named <= set(pins)
    assert len(pins) == len(re.findall(r"^[a-z0-9-]+==", lock, re.MULTILINE))
    assert "://" not in lock


def test_the_table_of_examples_names_each_example_and_nothing_else() -> None:
    folder = ROOT / "examples"
    listed = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text())
    files = [*folder.glob("*.*"), *(folder / "notebooks").glob("*.ipynb")]
    assert sorted(listed) == sorted(str(path.relative_to(folder)) for path in files if path.name != "README.md")
