"""Whether a new version becomes the champion: both are compared on rows that neither was trained on."""
