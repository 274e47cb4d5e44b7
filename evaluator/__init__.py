"""The evaluator: profiles datasets and measures models on them.

``scoring.py`` is the maths of measuring; it knows of no bus, store or HTTP.
"""
