"""The predictor: answers rows at once, many requests together, and whole datasets by jobs.

``handlers`` does the commands that are jobs, ``lane`` and ``answering`` those that are answered at once; ``prediction``
and ``prediction_table`` are the maths, which know of no bus, store or HTTP.
"""
