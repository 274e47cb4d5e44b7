"""The predictor: predicts rows of requests interactively, many requests at once, and whole datasets as jobs.

``handlers`` executes the commands that are jobs, ``lane`` and ``answering`` the interactive ones; ``group_prediction``
and ``prediction_table`` are pure maths and import no bus, store or HTTP.
"""
