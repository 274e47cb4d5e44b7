"""Access control: keys, scopes, addresses, and pages of other origins."""
