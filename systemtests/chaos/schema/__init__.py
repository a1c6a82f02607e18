"""An application of the suite's own: its migration changes the service's tables."""
