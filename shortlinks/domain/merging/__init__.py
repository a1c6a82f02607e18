"""Merging of contacts that are the same person (docs/merge-rules.md).

`facts` loads what is stored about a browser. `rules` decides without I/O, and `queue`
applies the decision through `merges` and `suggestions`.
"""
