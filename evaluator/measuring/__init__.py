"""How good answers are: from rows, truth and answers to metrics, curves and slices."""
