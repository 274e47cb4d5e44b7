"""What a value means in a column: types, forms of numbers, dates, marks of missing values."""
