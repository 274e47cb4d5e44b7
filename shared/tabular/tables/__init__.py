"""Stored tables: reading them by row group, and writing them as text."""
