"""Why the local stack may fail to run; each message says what to do about it.

::

    StackError
    ├── AlreadyRunning         another stack uses the folder
    ├── NotRunning             no stack runs in the folder
    ├── StartInterrupted       stopped while starting
    ├── PortInUse              another program uses the port
    ├── ServiceFailed          a service ended while starting, or never became ready
    └── ServersUnavailable     Redis or MongoDB cannot run on this machine
        ├── MissingBinary · UnsupportedPlatform
        └── ServerFailed       it ended while starting, or never answered
"""

from modelbus.shared.errors import ModelbusError


class StackError(ModelbusError):
    """The local stack cannot run."""

    code = "stack_failed"


class AlreadyRunning(StackError):
    """A local stack already runs in this folder."""

    code = "stack_already_running"


class NotRunning(StackError):
    """No local stack runs in this folder."""

    code = "stack_not_running"


class StartInterrupted(StackError):
    """The local stack was stopped while it was starting."""

    code = "stack_start_interrupted"


class PortInUse(StackError):
    """Another program listens on the port."""

    code = "port_in_use"


class ServersUnavailable(StackError):
    """Redis or MongoDB cannot run on this machine."""

    code = "servers_unavailable"


class MissingBinary(ServersUnavailable):
    """redis-server or mongod is not installed."""

    code = "missing_binary"


class UnsupportedPlatform(ServersUnavailable):
    """The embedded servers do not run on this platform."""

    code = "unsupported_platform"


class ServerFailed(ServersUnavailable):
    """Redis or MongoDB did not start."""

    code = "server_failed"


class ServiceFailed(StackError):
    """A service did not start."""

    code = "service_failed"
