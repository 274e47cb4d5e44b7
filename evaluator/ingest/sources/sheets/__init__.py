"""Workbooks: the cells of one sheet become delimited text, row by row, and are read as such (docs/adr/0041)."""
