"""The choice of an estimator within a time budget: candidates, racing, joining and the last fit."""
