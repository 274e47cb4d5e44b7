"""The handlers of the trainer: they connect its commands to the packages below, the store and the bus."""
