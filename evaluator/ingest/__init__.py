"""Table ingest: an uploaded file becomes typed Parquet and a profile of its columns. No bus, no store.

::

    ingestion     the door: ``ingest``
    profile       the profile of each column, and its alerts; text is looked at while pass 2 writes it
    sources       the formats: which one a file has, its encoding, and how its rows are found
      delimited     pass 1 over delimited text   ┐ every column as text into a spool,
      json_lines    pass 1 over JSON lines       ┘ candidate types narrow meanwhile
      sheets        the cells of one sheet of a workbook become delimited text
      typed_tables  what columns with types of their own become: ``parquet``, ``arrow_files``, ``orc_files``
      packed        compressed files are unpacked first
    odd_cells     columns that stayed text for a few odd cells, and what would mend it
    writing       pass 2: the spool becomes typed Parquet, with its digest and the cells that are kept
    cells         which type a column of text has: numerals, booleans, dates; and columns whose type was declared
    spool, ahead, table, faults
                  between the passes; things at once; what ingest takes and gives; what is wrong, and where

A room imports only those below it.
"""

from modelbus.evaluator.ingest.ingestion import ingest
from modelbus.evaluator.ingest.sources.packed.cutting import cut_last_line
from modelbus.evaluator.ingest.table import IngestedTable, Limits

__all__ = ["IngestedTable", "Limits", "cut_last_line", "ingest"]
