"""A whole training: checked, learnt by one of the ways below, measured, and made into a model."""
