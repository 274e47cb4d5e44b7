"""The encoding of rows of mixed columns to a matrix of floats, learnt from the training rows."""
