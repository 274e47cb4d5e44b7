"""From rows of mixed columns to a matrix of floats, by what was learnt from the training rows."""
