"""What cells mean: numbers, dates, booleans or text, found while a column streams."""
