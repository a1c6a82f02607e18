"""Send webhooks without a broker."""

import threading

from shortlinks.domain.webhooks.sender import Sender
from shortlinks.management.polling import PollingCommand


class Command(PollingCommand):
    help = (
        "Sends due events to their webhooks. With --loop it continues until it is"
        " stopped, and replaces the worker of the queue `webhooks` while the broker is"
        " unavailable. It may run alongside workers."
    )

    def run_once(self, stop: threading.Event) -> None:
        with Sender() as sender:
            while not stop.is_set() and sender.step():
                pass
        if sender.accepted or sender.failed:
            counts = f"accepted: {sender.accepted}, failed: {sender.failed}"
            self.stdout.write(f"webhooks sent: {counts}")
