"""Beat sends its tasks after any change of the clock."""

from datetime import timedelta
from pathlib import Path

from config.beat import Scheduler
from config.celery import app


def test_beat_sends_tasks_after_the_clock_is_set_back(tmp_path: Path) -> None:
    scheduler = Scheduler(app=app, schedule_filename=str(tmp_path / "schedule"))
    for entry in scheduler.schedule.values():
        entry.last_run_at = app.now() + timedelta(days=1)

    wait = scheduler.tick()

    runs = [entry.last_run_at for entry in scheduler.schedule.values()]
    scheduler.close()
    assert wait <= app.conf.beat_schedule["sweep"]["schedule"]
    assert all(run and run <= app.now() for run in runs)
