"""Who may ask what: keys, scopes, addresses, and pages of other origins."""
