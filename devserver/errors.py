class RunError(Exception):
    """Ends the run: its text is what the user reads, the exit code is not zero."""
