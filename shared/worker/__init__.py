"""The worker: receives commands, claims their jobs, runs them in child processes, and records the results.

``loop`` has the order of steps; ``process`` runs an attempt in a child; ``child`` is the child's side, and
``child_messages`` its messages; ``finishing`` ends jobs; ``sweeper`` repairs what dead workers left; ``service`` starts
and stops a whole service; ``health`` answers probes. A service adds only its handlers.
"""
