"""Compressed files: found by their first bytes, and unpacked as a stream within limits."""
