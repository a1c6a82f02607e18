"""The month as a word: 11/12 is two days, by who reads it. A date is not broken."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j\xa0M\xa0Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = f"{DATE_FORMAT}, H:i"
