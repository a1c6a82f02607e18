"""Telling other programs what happened (ADR 15, security §3.5).

`events` writes what is to be told into the table, `deliveries` takes it from there and
`sender` brings it to the receivers; `subscriptions` says who these are.
"""
