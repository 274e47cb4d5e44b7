"""The HTTP conventions of all routes: requests, queries, cursors, responses, problems."""
