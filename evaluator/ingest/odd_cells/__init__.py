"""Columns that stayed text for a few odd cells: which, where, and what would mend it."""
