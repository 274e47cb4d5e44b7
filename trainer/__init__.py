"""The trainer: fits estimators on datasets and stores the results as model versions.

``handlers`` joins commands to the rooms below it, which are maths and know of no bus, store or HTTP; each stands on
those behind it only: ``streaming``, ``champions``, ``training``, ``auto``, ``tuning``, ``fitting``, ``rows``,
``catalogue``.
"""
