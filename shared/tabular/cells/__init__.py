"""The meaning of cells in a column: types, number forms, dates, markers of missing values."""
