"""The API for integrations (docs/contract.md): it parses, calls and renders."""
