"""The trainer: fits estimators on datasets and stores the results as model versions.

``handlers`` connects commands to the packages below it, which are pure maths: they import no bus, store or HTTP. Each
package imports only those after it in this list: ``streaming``, ``champions``, ``training``, ``auto``, ``tuning``,
``fitting``, ``rows``, ``catalogue``.
"""
