"""What can be trained: the estimators, their hyperparameters, and how one is made."""
