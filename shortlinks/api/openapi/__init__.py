"""The OpenAPI 3.1 document, as tables separate from the views (docs/adr/0016).

Each route has an `Operation` in the module of its subject. A test compares both.
"""
