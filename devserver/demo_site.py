"""Website of a demo customer: a page with the pixel script and a small chat.

    python -m devserver.demo_site PORT DEMO_ENV SCRIPT

It reports the chat to the API, as the server of a real site does. Only for `make run`:
it uses a token for everybody who connects on loopback.
"""

import hashlib
import json
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deploy import env_file
from deploy.programs import Program, Rank
from deploy.roles import LOOPBACK

# Browsers treat it as another site than the service's 127.0.0.1.
HOST = "localhost"
PAGE = Path(__file__).with_name("demo_site.html")
MAX_BODY_BYTES = 4096
API_TIMEOUT_SECONDS = 5
CLIENT_TIMEOUT_SECONDS = 10


def program(port: int, project: Path, demo_env: Path) -> Program:
    script = project / "shortlinks" / "domain" / "pixels" / "pixel_v1.js"
    arguments = (str(port), str(demo_env), str(script))
    return Program(
        name="demo-site",
        command=(sys.executable, "-m", "devserver.demo_site", *arguments),
        rank=Rank.BEAT,
        # The working directory may be another checkout.
        environment={"PYTHONPATH": str(Path(__file__).parent.parent)},
    )


class Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_TIMEOUT_SECONDS

    def __init__(self, demo_env: Path, script: Path, *args: Any) -> None:
        self.demo_env = demo_env
        self.script = script
        super().__init__(*args)

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/":
            self._send(404, "text/plain", "Not found.")
            return
        demo = env_file.read(self.demo_env)
        page = PAGE.read_text()
        for name, value in self._values(demo).items():
            page = page.replace(f"{{{{ {name} }}}}", escape(value))
        self._send(200, "text/html; charset=utf-8", page)

    def do_POST(self) -> None:
        """Receive a chat message with the visitor_uid of the pixel script."""
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/chat" or length > MAX_BODY_BYTES:
            self._send(400, "text/plain", "Bad request.")
            return
        message = json.loads(self.rfile.read(length))
        response = send_chat(message, env_file.read(self.demo_env))
        self._send(200, "application/json", json.dumps(response))

    def _values(self, demo: dict[str, str]) -> dict[str, str]:
        digest = hashlib.sha384(self.script.read_bytes()).digest()
        return {
            "short": demo.get("SHORT_BASE_URL", ""),
            "site_key": demo.get("SITE_KEY", ""),
            "integrity": f"sha384-{b64encode(digest).decode()}",
        }

    def _send(self, status: int, media_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log no URL: it may contain a click token."""
        self.log_message("%s %s", self.command, code)


def send_chat(message: dict[str, Any], demo: dict[str, str]) -> dict[str, Any]:
    """Send the chat to the API; return its response, or an error."""
    chat = {
        "source": "demo-site",
        "external_id": str(message.get("chat", ""))[:100],
        "title": str(message.get("name") or "A visitor")[:100],
    }
    if uid := message.get("visitor_uid"):
        chat["visitor_uid"] = str(uid)
    request = urllib.request.Request(  # noqa: S310  from our own file
        f"{demo['BASE_URL']}/api/v4/chats",
        json.dumps(chat).encode(),
        {
            "Authorization": f"Bearer {demo['TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=API_TIMEOUT_SECONDS) as response:  # noqa: S310
            chat_response: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        return {"error": error.read().decode(errors="replace")}
    except OSError as error:
        return {"error": str(error)}
    return chat_response


def main(port: str, demo_env: str, script: str) -> None:
    handler = partial(Handler, Path(demo_env), Path(script))
    ThreadingHTTPServer((LOOPBACK, int(port)), handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
