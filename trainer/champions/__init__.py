"""Whether a new version may become the champion: compared on rows that neither was trained on."""
