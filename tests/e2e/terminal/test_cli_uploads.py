"""Uploads where a dataset of the same name may exist, previews of columns, and names that are misspelt."""

import pytest

from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.timeout(240)


def test_a_dataset_that_exists_is_an_error_skipped_or_replaced(terminal: Terminal, shop: str) -> None:
    first = terminal.json("datasets", "upload", f"{shop}.csv")
    refused = terminal.run("datasets", "upload", f"{shop}.csv")
    assert refused.code == 1
    assert "--if-exists replace" in refused.err
    skipped = terminal.ok("datasets", "upload", f"{shop}.csv", "--if-exists", "skip").out
    assert f"skipped: dataset {shop} exists with the same content" in skipped
    changed = "size,color,price\n1,red,2\n3,blue,4\n"
    upload = ("datasets", "upload", "-", "--name", shop, "--if-exists")
    assert "with different content" in terminal.ok(*upload, "skip", given=changed).out
    assert terminal.json("datasets", "show", shop)["correlation_id"] == first["correlation_id"]
    replaced = terminal.ok(*upload, "replace", given=changed).out
    assert f"replaced dataset {shop}: 40 rows of " in replaced
    assert " by 2 rows" in replaced
    assert terminal.json("datasets", "show", shop)["row_count"] == 2
    same = terminal.ok(*upload, "replace", given=changed).out
    assert f"not replaced: dataset {shop} exists with the same content" in same
    assert [one["name"] for one in terminal.json("datasets", "list") if shop in one["name"]] == [shop]


def test_a_dataset_is_not_replaced_by_what_is_no_table_nor_while_it_is_used(terminal: Terminal, shop: str) -> None:
    terminal.ok("datasets", "upload", f"{shop}.csv")
    upload = ("datasets", "upload", "-", "--name", shop, "--if-exists", "replace")
    assert terminal.run(*upload, given="a,b\n1\n").code == 1
    assert terminal.json("datasets", "show", shop)["row_count"] == 40
    terminal.ok("train", shop, "price", "-e", "Ridge")
    changed = "size,color,price\n1,red,2\n"
    used = terminal.run(*upload, given=changed)
    assert used.code == 1
    assert "trained on" in used.err
    assert f"dataset {shop} was not replaced; --force" in used.err
    job = terminal.ok(*upload, "--force", "--no-wait", given=changed)
    assert len(job.out.split()) == 1, "the id alone"
    terminal.ok("jobs", "wait", job.out.strip())
    assert terminal.json("datasets", "show", shop)["row_count"] == 1
    assert [one["name"] for one in terminal.json("datasets", "list") if shop in one["name"]] == [shop]


def test_columns_of_a_preview_are_chosen_and_a_misspelt_one_is_refused(terminal: Terminal, shop: str) -> None:
    preview = ("datasets", "preview", f"{shop}.csv", "-n", "2", "--columns")
    found = terminal.json(*preview, "price,size")
    assert [one["name"] for one in found["columns"]] == ["price", "size"]
    assert [list(row) for row in found["rows"]] == [["price", "size"]] * 2
    refused = terminal.run(*preview, "colour")
    assert (refused.code, "no column 'colour' in the file (did you mean 'color'?)" in refused.err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("datasets", "show", "{name}x"),
        ("datasets", "rows", "{name}x"),
        ("datasets", "delete", "{name}x"),
        ("train", "{name}x", "price", "-e", "Ridge"),
    ],
    ids=" ".join,
)
def test_a_misspelt_dataset_is_named_with_the_near_ones(
    terminal: Terminal, shop: str, arguments: tuple[str, ...]
) -> None:
    terminal.ok("datasets", "upload", f"{shop}.csv")
    done = terminal.run(*(part.format(name=shop) for part in arguments))
    assert done.code == 1
    assert f"dataset '{shop}x' does not exist; did you mean {shop}" in done.err
