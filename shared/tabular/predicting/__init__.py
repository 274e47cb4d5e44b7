"""Fitted models and their predictions, which never depend on neighbouring rows."""
