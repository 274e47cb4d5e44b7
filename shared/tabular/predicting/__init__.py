"""A fitted model, and how it is asked so that no answer depends on its neighbours."""
