"""healthy.py PORT [PATH]: exit code 0 if the process answers as one that is well.

No service code: this runs every few seconds in each container.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

SECONDS = 3


def main() -> int:
    port, path = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "/healthz"
    # Django answers hosts of its own alone.
    host = urlsplit(os.environ.get("BASE_URL", "")).hostname or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", path, headers={"Host": host})
    return 0 if connection.getresponse().status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
