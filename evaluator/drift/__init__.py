"""Whether rows are still like those that a model was trained on."""
