"""Celery's beat, which goes on when the clock is set back."""

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's own would be silent for a day after the clock was set back by a day."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        now = self.app.now()
        entries = self.schedule.values()
        if any(entry.last_run_at and entry.last_run_at > now for entry in entries):
            for entry in entries:
                entry.last_run_at = now
            self._heap = None  # sorted by times that lie in the future
        return float(super().tick(*args, **kwargs))
