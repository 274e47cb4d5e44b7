"""The trainer: fits estimators on datasets and stores the results as model versions.

``catalogue.py`` says what can be trained, ``fitting.py`` is the maths; neither knows of bus, store or HTTP.
"""
