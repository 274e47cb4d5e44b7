"""The target: what is learnt and what is true, as classes or numbers, and what to warn of."""
