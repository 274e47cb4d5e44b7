"""What all tests share: the real servers and the whole stack, started by the launcher that ``modelbus up`` uses."""

from hypothesis import settings

pytest_plugins = ["tests.stack_fixtures"]

settings.register_profile("many", max_examples=1000, deadline=None)
