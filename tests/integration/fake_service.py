"""A stand-in for a service, for tests of the stack alone: a port file, /health/ready, a log, an end on SIGTERM.

Not a test; the tests of the stack run it as a script. ``FAKE_*`` variables make it misbehave.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PORT_FILE = Path(os.environ["MODELBUS_PORT_FILE"])
NAME = PORT_FILE.stem


class Handler(BaseHTTPRequestHandler):
    """Answers every request with the service's name and process id."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"name": NAME, "pid": os.getpid()}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def log(event: str, **facts: object) -> None:
    """Write a line as services write theirs."""
    head = {"event": event, "level": "info", "timestamp": datetime.now(UTC).isoformat(), "service": NAME}
    sys.stdout.write(json.dumps({**head, "pid": os.getpid(), **facts}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until SIGTERM."""
    if os.environ.get("FAKE_CRASH") == NAME:
        sys.exit("RuntimeError: the settings make no sense")
    if os.environ.get("FAKE_CHILD") == NAME:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        log("child.started", child=child.pid)
    server = HTTPServer(("127.0.0.1", int(os.environ["MODELBUS_GATEWAY_PORT"]) if NAME == "gateway" else 0), Handler)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if os.environ.get("FAKE_STUBBORN") == NAME else stop)
    if os.environ.get("FAKE_SLOW") == NAME:
        signal.pause()
    PORT_FILE.write_text(str(server.server_port))
    log(
        "service.ready",
        correlation_id="0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10",
        mongo_url=os.environ["MODELBUS_MONGO_URL"],
    )
    sys.stderr.write("a plain line\n")
    server.serve_forever()


def stop(*_: object) -> None:
    """End in order."""
    log("service.stopped")
    os._exit(0)


if __name__ == "__main__":
    main()
