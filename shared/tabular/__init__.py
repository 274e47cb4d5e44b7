"""Tables and models: encoding of rows, predictions of fitted models, and metrics.

Pure maths on frames, rows and arrays: no bus, no store, no HTTP, no files. The only exception is ``tables``, which
reads the file of a dataset from the store. Artifacts of models are written by ``shared/models/artifacts.py``.
"""
