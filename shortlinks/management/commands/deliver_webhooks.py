"""Tell webhooks of events with no broker at all: the same work that the worker does."""

import threading

from shortlinks.domain.webhooks.sender import Sender
from shortlinks.management.polling import PollingCommand


class Command(PollingCommand):
    help = (
        "Sends the events that are due to their webhooks. With --loop it goes on until"
        " it is told to stop, and so replaces the worker of the queue `webhooks` while"
        " there is no broker; it may run beside workers."
    )

    def run_once(self, stop: threading.Event) -> None:
        with Sender() as sender:
            while not stop.is_set() and sender.step():
                pass
        if sender.accepted or sender.failed:
            said = f"accepted: {sender.accepted}, failed: {sender.failed}"
            self.stdout.write(f"webhooks sent; {said}")
