"""Which rows are learnt from: the target, the split, weights, and what is said of them."""
