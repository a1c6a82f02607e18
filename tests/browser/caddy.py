"""Caddy with the Caddyfile of the installation and its own certificate authority.

The authority exists only in a temporary directory. A switch makes one Chromium trust
it, without an error that would disable service workers.
"""

import contextlib
import hashlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.programs import Program, Rank
from tests import programs, services
from tests.services import ROOT, Process

CADDYFILE = ROOT / "docker" / "caddy" / "Caddyfile"
# Caddy sends this one with the certificate of a host, but not the root.
AUTHORITY = Path("caddy", "pki", "authorities", "local", "intermediate.crt")
OPTIONS = "local_certs\n\tauto_https disable_redirects"


@contextlib.contextmanager
def running(
    directory: Path,
    port: int,
    *,
    short_base_url: str,
    redirects: int,
    web: int = 0,
    sites: str = "",
) -> Iterator[str]:
    """Serve both hosts and further sites; yield the switch for Chromium.

    The other arguments are ports. The admin is at https://crm.test.
    """
    caddyfile = directory / "Caddyfile"
    caddyfile.write_text(_on_loopback(port, redirects, web) + sites)
    path = programs.find("caddy", package="caddy")
    program = Program(
        name="caddy",
        command=(path, "run", "--config", str(caddyfile), "--adapter", "caddyfile"),
        rank=Rank.SERVERS,
        environment={
            "BASE_URL": f"https://crm.test:{port}",
            "SHORT_BASE_URL": short_base_url,
            "CADDY_OPTIONS": OPTIONS,
            "HOME": str(directory),
            "XDG_DATA_HOME": str(directory),
            "XDG_CONFIG_HOME": str(directory),
        },
    )
    process = Process(program, directory / "caddy.log")
    try:
        services.wait_for(lambda: process.has_logged("serving initial configuration"))
        services.wait_for(lambda: (directory / AUTHORITY).exists())
        yield _trusting_switch(directory / AUTHORITY)
    finally:
        process.stop()


def _trusting_switch(authority: Path) -> str:
    certificate = x509.load_pem_x509_certificate(authority.read_bytes())
    key = certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    digest = b64encode(hashlib.sha256(key).digest()).decode()
    return f"--ignore-certificate-errors-spki-list={digest}"


def _on_loopback(port: int, redirects: int, web: int) -> str:
    """Return the installation's Caddyfile with addresses of this machine."""
    text = CADDYFILE.read_text()
    addresses = {
        "https_port 8443": f"https_port {port}\n\tdefault_bind 127.0.0.1",
        "web 8000": f"127.0.0.1 {web}",
        "redirects 8001": f"127.0.0.1 {redirects}",
        "redirects:8001": f"127.0.0.1:{redirects}",
    }
    for installed, here in addresses.items():
        assert installed in text
        text = text.replace(installed, here)
    return text
