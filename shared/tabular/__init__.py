"""Tables and models: encoding rows, predicting with what was fitted, metrics.

Pure maths over frames, rows and arrays: no bus, no store, no HTTP, no files. The one exception is ``tables``, which
fetches a dataset's file from the store and reads it; what is written to disk is ``shared/models/artifacts.py``'s
business.
"""
