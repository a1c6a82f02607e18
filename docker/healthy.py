"""`healthy.py PORT [PATH]`: exit with 0 if the process returns 200.

It imports no code of the service, because it runs every few seconds in each container.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 3


def main() -> int:
    port, path = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "/healthz"
    # Django answers only its own hosts.
    host = urlsplit(os.environ.get("BASE_URL", "")).hostname or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    connection.request("GET", path, headers={"Host": host})
    return 0 if connection.getresponse().status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
