"""Rows that an explanation or a drift report is made from."""
