"""Dates with the month as a word, because 11/12 is ambiguous, and without breaks."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j\xa0M\xa0Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = f"{DATE_FORMAT}, H:i"
