"""The CSV of the ingest benchmark: 17 mixed columns, and two whose type changes late. The same bytes every time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LATE_REAL = "late_real"
"""Whole numbers, and reals from row 1,000,000 on (from half of a small file on)."""
LATE_TEXT = "late_text"
"""Whole numbers, and text in the last twentieth of the file."""
CODE = "postcode"
"""Codes of digits, some with leading zeros."""
DATE_FORMATS = {"ordered_at": "%Y-%m-%dT%H:%M:%S", "day": "%Y-%m-%d", "due": "%d/%m/%Y"}
"""The columns of dates, and how they are written."""

_LATE_REAL_ROW = 1_000_000
_LATE_REAL_SHARE = 0.5
_LATE_TEXT_SHARE = 0.95
_ROWS_AT_ONCE = 20_000
_COMMENTS = 20_000
_FIRST_S = 1_577_836_800
"""2020-01-01."""
_SPAN_S = 5 * 365 * 86_400
_WORDS = [
    "the",
    "parcel",
    "arrived",
    "late",
    "broken",
    "twice",
    "again",
    "nobody",
    "answered",
    "very",
    "happy",
    "price",
]
_CITIES = ["Paris", "Köln", "São Paulo", '"Washington, D.C."', '"Frankfurt, Main"', "Lagos", "Osaka", "Lima"]


def write_table(path: Path, size_bytes: int) -> int:
    """Write a CSV file of about ``size_bytes`` and return its rows."""
    random = np.random.default_rng(20261124)
    comments = pa.array(_comments(random))
    rows = written = 0
    with path.open("wb") as file:
        while written < size_bytes:
            is_real = rows >= _LATE_REAL_ROW or written >= size_bytes * _LATE_REAL_SHARE
            is_text = written >= size_bytes * _LATE_TEXT_SHARE
            columns = _columns(random, rows, comments, is_real=is_real, is_text=is_text)
            if not rows:
                written += file.write((",".join(columns) + "\n").encode())
            lines = pc.binary_join_element_wise(*columns.values(), ",", null_handling="replace", null_replacement="")
            lines = pc.binary_join_element_wise(lines, "", "\n")
            written += file.write(lines.buffers()[2])
            rows += _ROWS_AT_ONCE
    return rows


def _columns(
    random: np.random.Generator, first_row: int, comments: pa.Array, *, is_real: bool, is_text: bool
) -> dict[str, pa.Array]:
    """Some rows' cells as they stand in the file, null where a cell is empty."""
    rows = np.arange(first_row, first_row + _ROWS_AT_ONCE)
    moments = random.integers(_FIRST_S, _FIRST_S + _SPAN_S, _ROWS_AT_ONCE).astype("datetime64[s]")
    days = pa.array(moments.astype("datetime64[D]"))
    counts = random.integers(0, 1000, _ROWS_AT_ONCE)
    amounts = random.integers(100, 1_000_000, _ROWS_AT_ONCE)
    return {
        "id": _text(rows),
        "ordered_at": pc.strftime(pa.array(moments), format=DATE_FORMATS["ordered_at"]),
        "day": pc.cast(days, pa.string()),
        "due": _thinned(random, pc.strftime(days, format=DATE_FORMATS["due"]), 0.1),
        "customer": pc.binary_join_element_wise("C", _text(random.integers(10**9, 10**10, _ROWS_AT_ONCE)), "-"),
        "email": _emails(random),
        "city": _chosen(random, _CITIES),
        "status": _chosen(random, ["open", "paid", "sent", "returned"]),
        CODE: pc.utf8_lpad(_text(random.integers(0, 100_000, _ROWS_AT_ONCE)), width=5, padding="0"),
        "comment": _thinned(random, comments.take(pa.array(random.integers(0, len(comments), _ROWS_AT_ONCE))), 0.3),
        "amount": pc.binary_join_element_wise(_text(amounts // 100), _text(amounts % 90 + 10), "."),
        "score": _thinned(random, _text(random.normal(0.0, 1.0, _ROWS_AT_ONCE)), 0.05),
        "quantity": _thinned(random, _text(random.integers(1, 50, _ROWS_AT_ONCE)), 0.05),
        "is_member": _chosen(random, ["true", "false"]),
        "visits": _text(random.integers(0, 10**6, _ROWS_AT_ONCE)),
        LATE_REAL: pc.binary_join_element_wise(_text(counts), "5", ".") if is_real else _text(counts),
        LATE_TEXT: pc.binary_join_element_wise("lot", _text(counts), " ") if is_text else _text(counts),
    }


def _text(values: np.ndarray) -> pa.Array:
    return pc.cast(pa.array(values), pa.string())


def _thinned(random: np.random.Generator, cells: pa.Array, share: float) -> pa.Array:
    """The cells, a share of them missing."""
    return pc.if_else(pa.array(random.random(len(cells)) < share), pa.scalar(None, pa.string()), cells)


def _chosen(random: np.random.Generator, values: list[str]) -> pa.Array:
    return pa.array(values).take(pa.array(random.integers(0, len(values), _ROWS_AT_ONCE)))


def _emails(random: np.random.Generator) -> pa.Array:
    names = _text(random.integers(0, 2_000_000, _ROWS_AT_ONCE))
    return pc.binary_join_element_wise("user", names, _chosen(random, ["@example.org", "@example.com"]), "")


def _comments(random: np.random.Generator) -> list[str]:
    """Comments as they stand in the file: a third bare, others quoted with commas, newlines and doubled quotes."""
    comments = []
    for number in range(_COMMENTS):
        words = random.choice(_WORDS, random.integers(3, 12)).tolist()
        text = " ".join(words)
        if number % 3 == 0:
            comments.append(text)
        elif number % 3 == 1:
            comments.append(f'"{text}, {words[0]}\n{words[-1]}"')
        else:
            comments.append(f'"the customer said ""{words[0]} {words[1]}"", {text}"')
    return comments
