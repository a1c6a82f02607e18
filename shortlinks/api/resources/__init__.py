"""The bodies of responses: the views return them, and the OpenAPI document lists them.

The docstrings are part of the document. The order of fields is the order on the wire.
"""
