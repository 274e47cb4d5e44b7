"""Log lines in MongoDB: writing and reading."""
