"""Stored tables: read row group by row group, and written as text."""
