"""The descriptions of both doors: OpenAPI, AsyncAPI, and their examples."""
