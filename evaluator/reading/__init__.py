"""Reading stored datasets: pages of rows, and exported files."""
