"""The promises of docs/reliability.md, kept while parts fail: `make faults`.

`__main__` lends a directory, ports and secrets of their own and clears up whatever is
left; `inside` runs in it. There, `service` has the processes, `catalogue` the faults,
`trial` puts `load` on the redirects through each of them, `counting` and `oracle` say
what must have come of it, and `report` prints and writes it.
"""
