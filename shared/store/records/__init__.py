"""The records beside the jobs: datasets, models, estimators, services, API keys."""
