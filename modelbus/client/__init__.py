"""The Python client: the HTTP door with types, retries that are safe, and progress bars; blocking and asynchronous.

It imports no scikit-learn, no kombu and no pymongo, and pandas and pyarrow only when a DataFrame goes in or out.
``asynchronous`` is written; ``synchronous`` is made from it (docs/adr/0020); what is beside them does no input or
output but files.
"""
