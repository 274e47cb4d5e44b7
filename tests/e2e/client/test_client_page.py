"""The documentation of the client does what it says: its examples run, one after the other, against the whole stack."""

import re
from pathlib import Path

import pytest

from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh

PAGE = Path(__file__).parents[3] / "docs" / "client.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(240)
def test_the_examples_run_in_order(
    stack: LocalStack, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELBUS_URL", stack.gateway_url)
    monkeypatch.setenv("MODELBUS_BUS_URL", stack.bus_url)
    monkeypatch.setenv("MODELBUS_MONGO_URL", stack.mongo_url)
    # the page's names are short, and other tests have datasets too
    names = {name: fresh(name) for name in ("shop", "codes", "prices", "tariffs", "broken")}
    text = PAGE.read_text()
    for name, mine in names.items():
        text = re.sub(rf'"{name}(?=["@.])', f'"{mine}', text)
    blocks = BLOCK.findall(text)
    assert len(blocks) >= 9
    space: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), space)
    space["client"].close()  # type: ignore[attr-defined]
    shown = capsys.readouterr().out
    assert f"{names['prices']}@1" in shown
    assert "rows.0.size" in shown
    assert "unknown_model" in shown
    assert api.get(f"/models/{names['prices']}").document["versions"] == [1, 2, 3]
