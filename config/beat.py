"""A scheduler for Celery's beat that keeps working if the clock is set back."""

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's default sends nothing for a day if the clock is set back by a day."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        now = self.app.now()
        entries = self.schedule.values()
        if any(entry.last_run_at and entry.last_run_at > now for entry in entries):
            for entry in entries:
                entry.last_run_at = now
            self._heap = None  # it is sorted by the old times
        return float(super().tick(*args, **kwargs))
