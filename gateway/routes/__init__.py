"""The routes, one file for each kind of resource. A handler parses, calls and responds, nothing else."""
