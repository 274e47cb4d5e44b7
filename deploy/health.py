"""Whether the service of this container is ready: what Docker asks every few seconds.

Needs no package but the standard library's, so that asking costs a tenth of a second and not the service's own start.
"""

import http.client
import os
import sys
from pathlib import Path


def main() -> int:
    """Ask; returns 0 when the service is ready, else says why not and returns 1."""
    try:
        port = int(Path(os.environ["MODELBUS_PORT_FILE"]).read_text())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode("utf-8", "replace"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.stdout.write(f"no answer: {error}")
        return 1
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
