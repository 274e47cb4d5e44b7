"""Benchmarks: each measures Modelbus and an alternative in one run and prints their ratio. `make bench` runs them."""
