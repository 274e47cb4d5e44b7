"""The records that the services write and the gateway returns."""
