"""Dates and times that fit a column and are read one way only."""
