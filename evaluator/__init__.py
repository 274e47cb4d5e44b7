"""The evaluator: profiles datasets and measures models on them.

``handlers`` does commands; ``measuring``, ``explaining``, ``drift`` and ``ingest`` are the maths, which know of no bus,
store or HTTP; ``sampling`` and ``reading`` read stored tables.
"""
