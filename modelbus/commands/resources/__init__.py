"""What the system stores: list it, read it, change it, delete it."""
