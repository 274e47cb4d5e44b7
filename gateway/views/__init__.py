"""Records as they are answered."""
