"""The quality of predictions: from truth and predictions to metrics, curves and slices."""
