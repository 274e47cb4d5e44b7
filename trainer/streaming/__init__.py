"""Fits on tables that do not fit into memory: one row group at a time, with ``partial_fit``."""
