"""The looks of answers: short texts for consoles, HTML and pictures for notebooks."""
