"""The two ways to MongoDB: over pymongo for workers, over its asyncio for the gateway.

Both take the same values (``queries``, ``operation``) and do nothing but run them. Only here is MongoDB asked, so that
no read goes without a projection (tests/unit/store/test_queries.py).
"""
