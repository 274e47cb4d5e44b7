"""The arguments of the client's methods: their types, and the check before a request is sent."""
