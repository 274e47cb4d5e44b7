"""Delimited text: CSV, TSV and their kin, as people and programs write them."""
