"""The predictor: answers rows at once, many requests together, and whole datasets by jobs."""
