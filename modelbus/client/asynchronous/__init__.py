"""The client for asyncio (and trio): written here. ``synchronous`` is made from it by ``tools/twin.py``."""
