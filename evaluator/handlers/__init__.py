"""The handlers of the evaluator: they connect its commands to the packages below, the store and the bus."""
