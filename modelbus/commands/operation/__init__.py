"""Operation: logs, events, messages, dead letters and keys."""
