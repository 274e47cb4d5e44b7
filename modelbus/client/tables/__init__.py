"""Tables that the caller passes in: their forms, and how they become rows of JSON or a file of Parquet."""
