"""One file for each command; a command parses, calls and prints, and imports what is slow to load when it runs."""
