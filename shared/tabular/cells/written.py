"""A column's cells as they stood in the file that it came from: told from their values by the column's form.

What no form tells is kept beside the values (``kept_cells.py``).
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelbus.shared.contracts.records.dataset_records import ColumnSchema
from modelbus.shared.tabular.cells.cell_text import cell_texts

PLAIN: Final = "plain"
"""Reals of which the whole ones have no point."""
KEPT: Final = "kept"
"""Cells that have no common form: each is kept."""
_FIXED: Final = "fixed:"


class WrittenValue(str):
    """The text of a cell that is no text: of a number, a boolean or a date, as it was written."""

    __slots__ = ()


def fixed(decimals: int) -> str:
    """The form of reals with so many decimals throughout."""
    return f"{_FIXED}{decimals}"


def written_texts(cells: pa.Array, column: ColumnSchema) -> pa.Array:
    """Cells as they stood in the file; nulls stay.

    Args:
        cells: Of the column's stored type.
        column: The column; where its form is ``kept``, the texts are those of the values.
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
    """Reals as text with a decimal point, in a form."""
    if form == PLAIN:
        return pc.cast(cells, pa.string())
    if form is not None and form.startswith(_FIXED):
        return _fixed_texts(cells, int(form.removeprefix(_FIXED)))
    return cell_texts(cells)


def _fixed_texts(cells: pa.Array, decimals: int) -> pa.Array:
    """Reals with so many decimals, of fifteen digits in all at most: so their whole hundredths are exact."""
    values = pc.fill_null(cells, 0.0).to_numpy(zero_copy_only=False)
    whole = np.rint(np.abs(values) * 10.0**decimals).astype(np.int64)
    digits = pc.utf8_lpad(pc.cast(pa.array(whole), pa.string()), width=decimals + 1, padding="0")
    texts = pc.replace_substring_regex(digits, pattern=f"([0-9]{{{decimals}}})$", replacement=r".\1")
    signs = pa.array(np.where(np.signbit(values), "-", "").tolist(), pa.string())
    return pc.if_else(pc.is_valid(cells), pc.binary_join_element_wise(signs, texts, ""), pa.scalar(None, pa.string()))
