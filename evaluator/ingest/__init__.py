"""Table ingest: an uploaded file becomes typed Parquet and a profile of its columns. No bus, no store.

::

    ingestion     the door: ``ingest``
    formats       which format the file has
    text_stream   text of any encoding as a stream of UTF-8 and as lines
    survey        pass 0 over text: encoding, NUL bytes, long lines, doubtful quotes
    dialect       delimiter and header of delimited text
    delimited     pass 1 over delimited text     ┐ every column as text into a spool,
    json_lines    pass 1 over JSON lines         ┘ candidate types narrow meanwhile
    quoting       the scanner that names the lines at fault
    narrowing     which type a column of text has: numerals, booleans, iso_dates, calendar_dates
    ahead         the next batch is made while the last one is worked on
    casting       pass 2: the spool becomes typed Parquet
    parquet       a Parquet file becomes our Parquet
    profiling     missing, distinct, range and most frequent values of each column
"""

from evaluator.ingest.ingestion import ingest
from evaluator.ingest.table import IngestedTable, Limits

__all__ = ["IngestedTable", "Limits", "ingest"]
