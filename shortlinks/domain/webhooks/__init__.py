"""Webhooks: signed requests about events (docs/adr/0015).

`events` writes deliveries, `deliveries` claims and records them, `sender` sends them to
the receivers, which `subscriptions` manages. `waiting` releases events that failed.
"""
