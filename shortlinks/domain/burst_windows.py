"""The times in which several opens of one visitor are a burst (docs/adr/0043).

Bot detection classifies by them, and merging waits until they are over.
"""

from datetime import timedelta

# A person opens fewer than 3 links of a mailing, or links of fewer than 5 contacts, in
# this time (`visits/burst_detection.py`).
BURST = timedelta(seconds=5)
# For this long after creating links, a user may test some, as fast as a script.
SENDER_TEST_PERIOD = timedelta(minutes=10)
SENDER_TEST_WINDOW = timedelta(seconds=60)  # in which the tested links are counted
