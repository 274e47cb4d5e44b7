"""Compressed files, found by their first bytes and unpacked within limits; and files whose end is missing."""
