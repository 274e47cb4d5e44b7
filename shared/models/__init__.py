"""Stored models: artifacts, loading them, and the plug-ins that they may need."""
