"""Dates and times that fit a column and can be read in only one way."""
