"""Drift: whether rows still resemble those that a model was trained on."""
