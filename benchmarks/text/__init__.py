"""Columns of free text beside TF-IDF and skrub."""
