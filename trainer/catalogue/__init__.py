"""The catalogue: the estimators that can be trained, their hyperparameters, and how an estimator is constructed."""
