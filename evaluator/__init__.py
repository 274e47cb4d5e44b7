"""The evaluator: profiles datasets and measures models on them.

``handlers`` does its commands; the rooms beside it are the maths, which know of no bus, store or HTTP.
"""
