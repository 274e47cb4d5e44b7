"""Pass 2: text becomes typed Parquet, with the table's digest and the cells that are kept."""
