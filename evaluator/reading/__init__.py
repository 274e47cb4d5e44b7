"""What is read back out of a dataset: pages of rows, and files."""
