"""Which metrics are printed first, and what each is read against; pure, without a terminal."""
