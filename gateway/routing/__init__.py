"""Routes: what one says of itself, once, and the table of them that the application serves."""
