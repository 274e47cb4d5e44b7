"""The choice of an estimator within a time: what is tried, raced, joined and fitted last."""
