"""The times in which several opens of one visitor are a burst (docs/adr/0043).

Bot detection classifies by them, and merging waits until they are over.
"""

from datetime import timedelta

# Nobody opens this many different links in this time by hand.
BURST = timedelta(seconds=5)
# A user who has just created links may test some, as fast as a script.
SENDER_TEST_PERIOD = timedelta(minutes=10)
SENDER_TEST_WINDOW = timedelta(seconds=60)
