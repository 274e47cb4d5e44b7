"""The evaluator: profiles datasets and measures models on them.

``handlers.py``, ``reading.py`` and ``evaluations.py`` do commands; ``measuring.py`` and what it uses is the maths of
measuring, which knows of no bus, store or HTTP.
"""
