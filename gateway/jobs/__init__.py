"""The gateway's side of jobs: sending, waiting, following, ending."""
