"""How the service is watched: metrics, logs, errors, traces; never what it does."""
