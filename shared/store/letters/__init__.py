"""Dead letters: dead jobs, and messages that could not be read."""
