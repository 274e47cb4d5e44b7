"""HTTP as all routes speak it: requests, queries, cursors, answers, problems."""
