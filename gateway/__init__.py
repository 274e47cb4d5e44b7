"""The gateway: HTTP requests in, commands out, records back. Does not import pandas, numpy or scikit-learn."""
