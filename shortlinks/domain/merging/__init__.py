"""Which contacts are one person: rules over facts, and merges that can be undone.

`rules` decides without I/O; `facts` reads what it decides on; `checks` follows a
decision; `merges` and `suggestions` hold what follows. Table of the rules:
docs/merge-rules.md.
"""
