"""Train, predict and evaluate: each command does one task and prints its result."""
