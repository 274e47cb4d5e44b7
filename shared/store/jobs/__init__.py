"""The job protocol and its records."""
