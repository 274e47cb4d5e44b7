"""Columns of free text: words and pairs of words become floats."""
