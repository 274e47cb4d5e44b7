"""The store: the only door to MongoDB. The job document is the record of a job; everything else is a wake-up.

What is asked and what is changed are values, without a connection; two drivers run them (docs/adr/0031):

- ``operation``, ``queries``: what a change and a question are. ``indexes``: the collections and their indexes.
- ``jobs/protocol``, ``jobs/repair``: every step of a job as a filter and an update: the whole protocol, readable.
- ``jobs/job_queries``, ``records/catalog_queries``, ``blobs/blob_queries``, ``letters/letter_queries``,
  ``logs/log_queries``: every question, with what it reads.
- ``drivers``: those values over pymongo, for workers, and over its asyncio, for the gateway.

What services use of it is a class for each side: ``JobLedger`` and ``JobRecords`` (jobs), ``Library`` and
``CatalogReader`` (datasets, models, evaluations), ``BlobStore`` and ``AsyncBlobStore`` (files in GridFS). ``outcomes``
is what a finished job leaves behind, written once.
"""
