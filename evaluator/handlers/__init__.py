"""What the evaluator does: joins its commands to the rooms below, the store and the bus."""
