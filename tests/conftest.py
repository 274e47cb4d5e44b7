"""What all tests share: the real servers and the whole stack, started by the launcher that ``modelbus up`` uses."""

pytest_plugins = ["tests.stack_fixtures"]
