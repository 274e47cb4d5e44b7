"""The blocking client. Made from ``asynchronous`` by ``tools/twin.py``; only ``blocking.py`` is written by hand."""
