"""Table ingest: an uploaded file becomes typed Parquet and a profile of its columns. No bus, no store.

::

    ingestion     the door: ``ingest``
    formats       which format the file has
    cutting       the beginning of a file, for a preview
    text_stream   text of any encoding as a stream of UTF-8 and as lines
    survey        pass 0 over text: encoding, NUL bytes, long lines, doubtful quotes
    dialect       delimiter and header of delimited text
    delimited     pass 1 over delimited text     ┐ every column as text into a spool,
    json_lines    pass 1 over JSON lines         ┘ candidate types narrow meanwhile
    quoting       a quick watch: is a closer look needed?
    records       the scanner that names the lines at fault, and leaves records out
    findings      what the parse options say of the columns, and what is to be found out
    narrowing     which type a column of text has: numerals, booleans, iso_dates, calendar_dates
    declared      columns whose type was declared
    ahead         the next batch is made while the last one is worked on
    casting       pass 2: the spool becomes typed Parquet
    encodings     how each column is encoded in it
    parquet       a Parquet file becomes our Parquet
    profiling     the profile of each column, and the alerts; text is looked at while pass 2 writes it
    row_groups    the finished file, some columns at a time
    spans         smallest and largest values, from the file's statistics
    tallies       what is kept of a column of numbers or dates: scales, moments, histograms, steps
    frequencies   what is kept of a column of text or booleans: the most frequent values
    sampling      100,000 rows that all columns are sampled in: quantiles, text_looks
    column_alerts, target_alerts
                  what in the columns, and in the target, matters to training
"""

from modelbus.evaluator.ingest.ingestion import ingest
from modelbus.evaluator.ingest.sources.cutting import cut_last_line
from modelbus.evaluator.ingest.table import IngestedTable, Limits

__all__ = ["IngestedTable", "Limits", "cut_last_line", "ingest"]
