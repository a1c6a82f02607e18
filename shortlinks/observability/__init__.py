"""Metrics, logs, error reports and traces; nothing here changes behavior."""
