"""The handlers of the predictor: they connect its commands to the maths, the store and the bus."""
