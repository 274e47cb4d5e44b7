"""Which columns are free text: told from names, codes, addresses and categories, in a profile and by a fit."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.tabular.encoding.free_text.free_text_looks import count_words, is_free_text
from tests.unit.free_texts import messages
from tests.unit.profiles import profiled
from tests.unit.tables import fit

COUNT = 400
RANDOM = np.random.default_rng(3)
TEXTS, KINDS = messages(COUNT)
FIRST = ("Anna", "José", "Wei", "Fatima", "John", "Olga", "Kofi", "Marie", "Liam", "Yuki")
LAST = ("Smith", "García Márquez", "van der Berg", "O'Neill", "Ivanova", "Li", "Dupont", "Okafor", "Sato", "Müller")
STREETS = ("Main Street", "High Road", "Rue de la Paix", "Station Lane", "Church Avenue", "Mill Hill")
TOWNS = ("Springfield", "Leeds", "Paris", "San Antonio", "Oxford", "New York")
CHINESE = ("今天", "天气", "很好", "我们", "喜欢", "这个", "产品", "质量", "不错", "价格", "有点", "贵")


def chosen(*parts: Any) -> list[str]:
    return [" ".join(str(RANDOM.choice(part)) for part in parts) for _ in range(COUNT)]


def drawn(low: int, high: int) -> list[int]:
    return RANDOM.integers(low, high, COUNT).tolist()


def joined(*parts: Any) -> str:
    return " ".join(map(str, parts))


ADDRESSES = zip(
    drawn(1, 300), RANDOM.choice(STREETS, COUNT), RANDOM.choice(TOWNS, COUNT), drawn(10_000, 99_999), strict=True
)
LETTERS = list("bcdfghjklm")
STATEMENTS = [f"agree with the statement that number {n} is the best of them" for n in range(60)]
ANSWERS = ["yes, I have read all of the terms and agree", "no, I have not read them and do not agree"]

COLUMNS: dict[str, tuple[list[str | None], bool]] = {
    "messages": (list(TEXTS), True),
    "messages of which half are missing": ([text if n % 2 else None for n, text in enumerate(TEXTS)], True),
    "messages said twice each": (TEXTS[: COUNT // 2] * 2, True),
    "chinese": (["".join(RANDOM.choice(CHINESE, 9)) for _ in range(COUNT)], True),
    "capitals": ([text.upper() for text in TEXTS], True),
    "lines": ([text.replace(" ", "\n") for text in TEXTS], True),
    "names": (chosen(FIRST, LAST), False),
    "addresses": ([f"{n} {street}, {town} {code}" for n, street, town, code in ADDRESSES], False),
    "ids": ([f"ID-{number:06d}" for number in range(COUNT)], False),
    "hashes": ([joined(*(f"{part:x}" for part in RANDOM.integers(0, 2**24, 8))) for _ in range(COUNT)], False),
    "random letters": ([joined(*("".join(RANDOM.choice(LETTERS, 7)) for _ in range(8))) for _ in range(COUNT)], False),
    "numbers": ([joined(*RANDOM.integers(0, 50, 12)) for _ in range(COUNT)], False),
    "urls": ([f"https://example.com/a-b-c-d-e/page-{n}?from=home&to=there" for n in range(COUNT)], False),
    "long categories": (chosen(STATEMENTS), False),
    "two long answers": (chosen(ANSWERS), False),
    "titles of two words": (chosen(("Senior", "Junior"), ("Analyst", "Manager", "Clerk")), False),
}


@pytest.mark.parametrize(("cells", "expected"), COLUMNS.values(), ids=COLUMNS.keys())
def test_free_text_is_told_from_other_text_in_a_profile(cells: list[str | None], expected: bool) -> None:
    frame = pd.DataFrame({"text": pd.Series(cells, dtype=object), "n": range(len(cells))})
    ingested = profiled(frame.to_csv(index=False).encode(), "x.csv")
    [column] = [column for column in ingested.columns if column.name == "text"]
    alerts = {alert.code: alert.message for alert in ingested.alerts if alert.column == "text"}

    assert column.is_free_text is expected
    assert ("free_text" in alerts) is expected
    if expected:
        assert f"(median {column.words} words)" in alerts["free_text"]
        assert set(alerts) == {"free_text"}


def test_a_target_of_many_words_is_no_feature_to_tell_of() -> None:
    frame = pd.DataFrame({"text": TEXTS, "n": range(COUNT)})
    ingested = profiled(frame.to_csv(index=False).encode(), "x.csv", target="text")
    assert "free_text" not in {alert.code for alert in ingested.alerts}


def test_few_texts_are_not_yet_free_text() -> None:
    assert is_free_text(count_words(TEXTS[:41]), 41, 41)
    assert not is_free_text(count_words(TEXTS[:40]), 40, 40)
    assert not is_free_text(count_words(TEXTS), 400, 2001)


def test_numbers_have_no_words() -> None:
    profile = profiled(b"a,b\n1,x y\n2,\n", "x.csv").columns
    assert [(column.words, column.is_free_text) for column in profile] == [(None, False), (2, False)]


@pytest.mark.parametrize(("is_read_so", "told"), [(True, False), (False, True)])
def test_a_fit_tells_of_free_text_that_is_learnt_as_categories(is_read_so: bool, told: bool) -> None:
    frame = pd.DataFrame({"message": TEXTS, "kind": KINDS})
    feature = ColumnSchema(name="message", type="text", missing=0, distinct=COUNT, is_free_text=is_read_so)
    target = ColumnSchema(name="kind", type="text", missing=0, distinct=2)

    outcome = fit("LogisticRegression", "kind", frame=frame, features=[feature], target_schema=target)

    assert any("looks like free text" in warning for warning in outcome.warnings) is told
    assert (outcome.metrics["roc_auc"] > 0.98) is is_read_so
