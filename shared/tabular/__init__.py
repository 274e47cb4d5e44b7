"""Tables and models: encoding rows, predicting with what was fitted, metrics.

Pure maths over frames, rows and arrays. No bus, no store, no HTTP, no files; what is written to disk is
``shared/artifacts.py``'s business.
"""
