"""The store: the only door to MongoDB. The job document is the record of a job; everything else is a wake-up.

- ``protocol``: every operation on a job as a filter and an update, without a connection: the whole protocol, readable.
- ``ledger``: those operations over pymongo, for workers. ``records``: those that the gateway needs, over asyncio.
- ``outcomes``: what a finished job leaves behind (datasets, models, versions, evaluations), written once.
- ``log_batches``, ``log_reading``: log lines. ``poison``, ``dead_letters``: what must be seen to.
- ``blobs``: files in GridFS. ``sweep``: the periodic repair. ``catalogue``, ``services``: what services declare.
"""
