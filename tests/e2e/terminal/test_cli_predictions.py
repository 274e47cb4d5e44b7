"""Predictions from a shell: what a terminal, a pipe and a file get, and columns that are kept."""

import csv
import io

import pytest

from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.timeout(240)
FLATS = "area,district,rent\n30,north,520\n45,hills,810\n60,north,930\n75,,1180\n90,hills,1400\n"


@pytest.fixture
def rents(terminal: Terminal, shop: str) -> str:
    """A model of flats, as the documentation's first lines make it."""
    terminal.ok("datasets", "upload", "-", "--name", shop, given=FLATS)
    terminal.ok("train", shop, "rent", "--estimator", "Ridge")
    return shop


def test_the_example_of_the_documentation_works_in_a_pipe(terminal: Terminal, rents: str) -> None:
    text = "flat,area,district\n007,55,north\n[/nope],80,hills\n"
    done = terminal.ok("predict", rents, "--file", "-", "--keep", "flat", given=text)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["flat"] for row in rows] == ["007", "[/nope]"]
    assert all(float(row["prediction"]) > 0 for row in rows)
    assert done.err == "", "what is kept was not ignored, and text has to be converted"
    (terminal.folder / "new.csv").write_text(text)
    terminal.ok("predict", rents, "--file", "new.csv", "--keep", "flat", "--out", "predicted.csv")
    assert (terminal.folder / "predicted.csv").read_text() == done.out


def test_a_terminal_shows_the_first_page(terminal: Terminal, rents: str) -> None:
    rows = "".join(f"{number},north\n" for number in range(30, 230))
    (terminal.folder / "many.csv").write_text(f"area,district\n{rows}")
    shown = terminal.looked_at("predict", rents, "--file", "many.csv").out.splitlines()
    assert len(shown) == 22
    assert "first 20 of 200 rows" in shown[-1]
    assert len(terminal.ok("predict", rents, "--file", "many.csv").out.splitlines()) == 201


def test_kept_columns_of_a_dataset_are_in_its_table(terminal: Terminal, rents: str) -> None:
    terminal.ok("predict", rents, "--dataset", rents, "--keep", "rent,district", "--out", "all.csv")
    rows = list(csv.DictReader(io.StringIO((terminal.folder / "all.csv").read_text())))
    assert list(rows[0]) == ["row", "rent", "district", "prediction"]
    assert [row["rent"] for row in rows] == ["520", "810", "930", "1180", "1400"]
    assert [row["district"] for row in rows] == ["north", "hills", "north", "", "hills"]


@pytest.mark.parametrize("arguments", [("--row", "area=50,district=north"), ("--dataset", "{model}")], ids=" ".join)
def test_a_kept_column_that_is_not_there_is_refused_with_the_near_name(
    terminal: Terminal, rents: str, arguments: tuple[str, ...]
) -> None:
    given = [part.format(model=rents) for part in arguments]
    done = terminal.run("predict", rents, *given, "--keep", "districts")
    assert (done.code, "(did you mean 'district'?)" in done.err) == (1, True)


def test_a_job_that_nobody_waits_for_is_its_id_alone(terminal: Terminal, rents: str) -> None:
    for arguments in (
        ("predict", rents, "--dataset", rents),
        ("evaluate", rents, rents),
        ("train", rents, "rent", "-e", "Ridge"),
        ("models", "retrain", rents),
    ):
        (line,) = terminal.ok(*arguments, "--no-wait").out.splitlines()
        shown = terminal.ok("jobs", "show", line).out
        assert line in shown
        assert f"model: {rents}" in shown
    listed = terminal.ok("jobs", "list", "--model", rents).out.splitlines()
    assert {"model", "dataset", "error"} <= set(listed[0].split())
    assert all(rents in line for line in listed[1:])
