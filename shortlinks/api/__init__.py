"""Bytes in, bytes out for integrations: the wire of `CONTRACT.md`, and no rule."""
