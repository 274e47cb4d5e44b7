"""What the services write, and what is answered."""
