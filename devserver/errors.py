class RunError(Exception):
    """End of the run: the message is printed, and the exit code is 1."""
