"""Beat sends its tasks whatever becomes of the clock."""

from datetime import timedelta
from pathlib import Path

from config.beat import Scheduler
from config.celery import app


def test_a_clock_that_was_set_back_does_not_silence_beat(tmp_path: Path) -> None:
    scheduler = Scheduler(app=app, schedule_filename=str(tmp_path / "schedule"))
    for entry in scheduler.schedule.values():
        entry.last_run_at = app.now() + timedelta(days=1)

    wait = scheduler.tick()

    runs = [entry.last_run_at for entry in scheduler.schedule.values()]
    scheduler.close()
    assert wait <= app.conf.beat_schedule["sweep"]["schedule"]
    assert all(run and run <= app.now() for run in runs)
