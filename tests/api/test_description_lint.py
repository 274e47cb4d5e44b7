"""The description as Redocly reads it: every rule that it recommends, none of them left out."""

from pathlib import Path

from tests.api.conftest import ROOT, Tools


def test_redocly_finds_nothing(tools: Tools, document: Path) -> None:
    lint = tools.script("@redocly/cli", "bin/cli.js")

    told = tools.run(
        tools.node,
        lint,
        "lint",
        "--config",
        ROOT / "tools" / "api" / "redocly.yaml",
        "--format",
        "json",
        document,
        folder=document.parent,
    )

    assert '"problems": []' in told, told
