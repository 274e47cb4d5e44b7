"""The routes, one file for each kind of thing. A handler parses, calls and answers; nothing else."""
