"""The search for hyperparameters: candidates, their folds, and the leaderboard."""
