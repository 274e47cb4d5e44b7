"""The encoding of free-text columns by words and word pairs."""
