"""Explanations of a model's predictions: importance, partial dependence, Shapley values."""
