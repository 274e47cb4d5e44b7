"""Samples of rows for explanations and drift reports."""
