"""Name servers on loopback: working, broken and silent ones."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Address = tuple[str, int]
TTL = 60


@contextlib.contextmanager
def answering(texts: Mapping[str, list[str]]) -> Iterator[Address]:
    """Run a server of these TXT records; `texts` may change meanwhile."""
    with _serving(texts) as address:
        yield address


@contextlib.contextmanager
def broken() -> Iterator[Address]:
    """Run a server that answers SERVFAIL."""
    with _serving(None) as address:
        yield address


@contextlib.contextmanager
def silent() -> Iterator[Address]:
    """Run a server that never answers."""
    with socketserver.UDPServer(("127.0.0.1", 0), _Answer) as server:
        yield ("127.0.0.1", server.server_address[1])


@contextlib.contextmanager
def _serving(texts: Mapping[str, list[str]] | None) -> Iterator[Address]:
    with socketserver.UDPServer(("127.0.0.1", 0), _Answer) as server:
        server.texts = texts  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield ("127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


class _Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, client = self.request
        texts: Any = self.server.texts  # type: ignore[attr-defined]
        response = _response(dns.message.from_wire(data), texts)
        client.sendto(response.to_wire(), self.client_address)


def _response(
    query: dns.message.Message, texts: Mapping[str, list[str]] | None
) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    [question] = query.question
    name = question.name.to_text(omit_final_dot=True)
    if texts is None:
        response.set_rcode(dns.rcode.SERVFAIL)
    elif name not in texts:
        response.set_rcode(dns.rcode.NXDOMAIN)
    elif texts[name] and question.rdtype == dns.rdatatype.TXT:
        found = [_quoted(text) for text in texts[name]]
        answer = dns.rrset.from_text(question.name, TTL, "IN", "TXT", *found)
        response.answer.append(answer)
    return response


def _quoted(text: str) -> str:
    """Return the text in strings of 255 characters, the limit of DNS."""
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
