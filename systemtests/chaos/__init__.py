"""Fault injection: the promises of docs/reliability.md hold while parts fail.

`__main__` creates a directory, ports and secrets, starts `runner`, and cleans up.
`experiment` injects one fault of `scenarios` into `service` while visitors open links.
Then `verification` compares the rows with what `oracle` computes.
"""
