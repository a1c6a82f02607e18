"""A provider of OpenID Connect, which runs as a process of its own.

`python -m tests.identity_provider PORT DIRECTORY` serves the people of `people.json` in
the directory, and the clients of its arguments.
"""
