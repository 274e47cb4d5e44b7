"""The store; the only package that uses MongoDB. A job's document is the record of the job.

Queries and changes are values, independent of a connection; two drivers run them (docs/adr/0031):
- ``operation``, ``queries``: the types of changes and queries. ``indexes``: the collections and their indexes.
- ``jobs/protocol``, ``jobs/repair``: the whole job protocol, each step as a filter and an update.
- ``jobs/job_queries``, ``records/catalog_queries``, ``blobs/blob_queries``, ``letters/letter_queries``,
  ``logs/log_queries``: all queries, with the fields that they read.
  - ``drivers``: running them with pymongo, for workers, and with its asyncio API, for the gateway.

  Services use a class for each side: ``JobLedger`` and ``JobRecords`` (jobs), ``Library`` and ``CatalogReader``
  (datasets, models, evaluations), ``BlobStore`` and ``AsyncBlobStore`` (files in GridFS). ``outcomes`` applies the
  outcomes of jobs.
"""
