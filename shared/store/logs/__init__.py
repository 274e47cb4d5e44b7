"""Log lines, written and read."""
