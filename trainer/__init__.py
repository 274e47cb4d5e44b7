"""The trainer: fits estimators on datasets and stores the results as model versions.

``handlers`` does its commands; ``catalogue`` says what can be trained; the other rooms are the maths, which know of no
bus, store or HTTP.
"""
