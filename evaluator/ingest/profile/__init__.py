"""The profile of a dataset: statistics and alerts of each column, in bounded memory."""
