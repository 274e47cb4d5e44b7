"""The metrics: from plain arrays to numbers that equal scikit-learn's."""
