"""The evaluator: profiles datasets and measures models on them.

``handlers`` executes commands; ``measuring``, ``explaining``, ``drift`` and ``ingest`` are pure maths and import no
bus, store or HTTP; ``sampling`` and ``reading`` read stored tables.
"""
