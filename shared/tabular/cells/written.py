"""Reproduces a column's cells as they were in the original file, from their values and the column's form.

Texts that no form reproduces are stored separately (``kept_cells.py``).
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.shared.contracts.records.dataset_records import ColumnSchema
from modelbus.shared.tabular.cells.cell_text import cell_texts

PLAIN: Final = "plain"
"""Reals whose whole numbers have no decimal point."""
KEPT: Final = "kept"
"""Cells without a common form: the text of each is stored."""
_FIXED: Final = "fixed:"


class WrittenValue(str):
    """The original text of a number, a boolean or a date, in contrast to a text cell."""

    __slots__ = ()


def fixed(decimals: int) -> str:
    """The form of reals with a fixed number of decimals."""
    return f"{_FIXED}{decimals}"


def written_texts(cells: pa.Array, column: ColumnSchema) -> pa.Array:
    """The cells as they were in the file; nulls stay null.

    Args:
        cells: Of the column's stored type.
        column: The column; if its form is ``kept``, the result is the standard text of the values.
    """
    form = column.form
    if pa.types.is_floating(cells.type):
        texts = real_texts(cells, form)
        has_comma = column.number_form is not None and column.number_form.decimal_mark == ","
        return pc.replace_substring(texts, pattern=".", replacement=",") if has_comma else texts
    if form is None or form == KEPT:
        return cell_texts(cells)
    if pa.types.is_boolean(cells.type):
        yes, no = form.split("/")
        return pc.if_else(cells, pa.scalar(yes), pa.scalar(no))
    if pa.types.is_timestamp(cells.type):
        return pc.strftime(pc.cast(cells, pa.timestamp("s", cells.type.tz), safe=False), format=form)
    return cell_texts(cells)


def real_texts(cells: pa.Array, form: str | None) -> pa.Array:
    """Reals as text with a decimal point, in the given form."""
    if form == PLAIN:
        return pc.cast(cells, pa.string())
    if form is not None and form.startswith(_FIXED):
        return _fixed_texts(cells, int(form.removeprefix(_FIXED)))
    return cell_texts(cells)


def _fixed_texts(cells: pa.Array, decimals: int) -> pa.Array:
    """Reals with a fixed number of decimals; with at most fifteen digits, the scaled integers are exact."""
    values = pc.fill_null(cells, 0.0).to_numpy(zero_copy_only=False)
    whole = np.rint(np.abs(values) * 10.0**decimals).astype(np.int64)
    digits = pc.utf8_lpad(pc.cast(pa.array(whole), pa.string()), width=decimals + 1, padding="0")
    texts = pc.replace_substring_regex(digits, pattern=f"([0-9]{{{decimals}}})$", replacement=r".\1")
    signs = pa.array(np.where(np.signbit(values), "-", "").tolist(), pa.string())
    return pc.if_else(pc.is_valid(cells), pc.binary_join_element_wise(signs, texts, ""), pa.scalar(None, pa.string()))
