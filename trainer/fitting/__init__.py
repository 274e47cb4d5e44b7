"""One fit: what is planned, fitted fold by fold, and measured. Knows no search and no queue."""
