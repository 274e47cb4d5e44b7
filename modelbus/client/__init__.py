"""The Python client: the HTTP API with types, safe retries and progress bars; blocking and asynchronous.

It imports no scikit-learn, kombu or pymongo, and pandas and pyarrow only for tables. ``asynchronous`` is the source of
``synchronous`` (docs/adr/0020). The other modules do no input or output except to files.
"""
