"""Stored resources: list, read, change and delete them."""
