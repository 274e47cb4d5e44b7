"""The target: classes or numbers to learn, the truth of rows, and warnings about it."""
