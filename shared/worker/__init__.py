"""The worker: receives commands, claims their jobs, does them in killable processes, records what came of it.

``loop`` is the order of steps; ``process`` runs one attempt in a child; ``child`` is that child's side, and
``child_messages`` what it says; ``finishing`` ends jobs; ``sweeper`` repairs what others left; ``service`` wires a
whole service and stops it; ``health`` answers probes. A service brings its handlers (``handlers``) and nothing else.
"""
