"""The rows to learn from: the target, the split, the weights, and warnings about them."""
