"""A single fit: its plan, the fit itself, fold by fold, and its measurement. Independent of searches and queues."""
