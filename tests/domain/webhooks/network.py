"""Names that resolve to a receiver on this machine, and its certificates."""

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

NAME = "receiver.example"


class Names:
    """A resolver that returns `addresses` in turn and records the requested hosts.

    All connections arrive at `local_port` on this machine.
    """

    def __init__(self, *addresses: str, local_port: int | None = None) -> None:
        self._addresses = list(addresses)
        self._local_port = local_port
        self.requested: list[str] = []

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        self.requested.append(host)
        if host != NAME and self._local_port is None:
            raise socket.gaierror("no network here")
        if host != NAME:
            address, port = "127.0.0.1", self._local_port or 0
        else:
            address = self._addresses.pop(0)
        if ":" in address:
            where: tuple[Any, ...] = (address, port, 0, 0)
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", where)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


def resolve_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve NAME to a public address whose connections arrive at this URL."""
    names = Names("8.8.8.8", local_port=urlsplit(url).port)
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)


def certificate(path: Path, *, name: str = NAME, valid_days: int = 1) -> Path:
    """Write a key and a self-signed certificate, which has expired if days are < 0."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = timezone.now()
    made = (
        x509.CertificateBuilder(issuer, issuer, key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=valid_days))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    bare = serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, pkcs8, bare) + made.public_bytes(pem))
    return path
