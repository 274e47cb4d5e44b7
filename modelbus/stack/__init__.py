"""The local stack: Redis, MongoDB and the four services as processes of this machine, for one person and for tests.

It runs the very code that production runs, and no in-memory doubles. It knows processes, ports, files and health
checks; it may not know commands, jobs or models. Start at ``stack.py``.
"""

from modelbus.stack.log_relay import LogRelay
from modelbus.stack.stack import LocalStack
from modelbus.stack.stack_errors import StackError

__all__ = ["LocalStack", "LogRelay", "StackError"]
