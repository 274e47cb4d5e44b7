"""What the predictor does for a whole dataset: joins its command to the rooms beside, the store and the bus."""
