"""The metrics: plain arrays in, numbers out, equal to scikit-learn's."""
