"""Benchmarks: speed and memory, compared with a baseline.

Each module measures one subject. `comparisons` defines a measurement, `command`
alternates between ours and the baseline, and repeats, because the speed of a machine
changes by half within minutes. `regressions` compares a short run with `recorded.json`.
The load is sent by wrk, which needs less CPU time than a client in Python.
"""
