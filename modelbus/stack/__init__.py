"""The local stack: Redis, MongoDB and the four services as processes on this machine, for one person and for tests.

It runs the same code as production, without in-memory doubles. It knows processes, ports, files and health
checks; it does not know commands, jobs or models. Start at ``stack.py``.
"""

from typing import TYPE_CHECKING

from modelbus.shared.lazy_names import lazy_names

if TYPE_CHECKING:
    from modelbus.stack.log_relay import LogRelay
    from modelbus.stack.stack import LocalStack
    from modelbus.stack.stack_errors import StackError
else:
    # `modelbus status` and whatever looks for a stack in the folder need neither redis nor pymongo.
    __getattr__ = lazy_names(
        __name__,
        {
            "LocalStack": "modelbus.stack.stack",
            "LogRelay": "modelbus.stack.log_relay",
            "StackError": "modelbus.stack.stack_errors",
        },
    )

__all__ = ["LocalStack", "LogRelay", "StackError"]
