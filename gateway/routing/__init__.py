"""Routes: their declarations, and the table that the application serves."""
