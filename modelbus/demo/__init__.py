"""The demo: real tables through all four services, each answer compared with scikit-learn's own."""
