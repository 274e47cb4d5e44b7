"""The gateway: HTTP in, commands out, records back. Knows no pandas, numpy or scikit-learn."""
