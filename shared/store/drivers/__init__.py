"""The drivers for MongoDB: pymongo for workers, and its asyncio API for the gateway.

Both run the same values (``queries``, ``operation``). Only they access MongoDB, so that every read has a projection
(tests/unit/store/test_queries.py).
"""
