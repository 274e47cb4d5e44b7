"""What may be asked of the services."""
