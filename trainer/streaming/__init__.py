"""Fits over tables that memory does not hold: row group by row group, by ``partial_fit``."""
