"""The API described as OpenAPI 3.1, in tables beside the views (ADR 16).

A route needs an `Operation` in the module of its subject; a test compares both ways.
"""
