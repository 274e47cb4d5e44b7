"""`auto` beside FLAML and AutoGluon."""
