"""The forms in which records are returned."""
