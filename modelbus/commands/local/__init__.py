"""The local stack: start it, watch it, show it off, and the versions in it."""
