"""A whole training: checks, search or automatic choice, fit, threshold and measurement."""
