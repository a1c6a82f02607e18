"""An upgrade with a migration, and the rollback, while visitors arrive."""

import tempfile
import time
from pathlib import Path

from systemtests import CHECKOUT
from systemtests.drills import load, results
from systemtests.drills.installation import Installation
from systemtests.drills.results import Results

NEW_IMAGE = "shortlinks:drill-new"
PREVIOUS_IMAGE = "shortlinks:drill-previous"
LINKS = 100
RATE = 200
PAUSE_SECONDS = 8.0
MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "{latest}")]
    operations = [
        migrations.RunSQL("ALTER TABLE shortlinks_account ADD drilled_at timestamptz")
    ]
"""
DOCKERFILE = """
FROM shortlinks:drill
COPY 9999_drill.py /app/shortlinks/migrations/9999_drill.py
"""


def drill(out: Results, installation: Installation) -> None:
    _build_next_release(installation)
    codes = load.new_links(installation, LINKS)
    with (
        load.integration(installation) as integration,
        load.visitors(installation, codes, rate=RATE) as opened,
    ):
        time.sleep(PAUSE_SECONDS)
        _upgrade(out, installation, NEW_IMAGE)
        out.expect("the migration is applied", holds=_is_migrated(installation))
        time.sleep(PAUSE_SECONDS)
        _upgrade(out, installation, PREVIOUS_IMAGE)
        time.sleep(PAUSE_SECONDS)
    failed = results.failed(opened)
    out.expect(f"no redirect failed: {dict(failed)}", holds=not failed)
    results.verify(out, installation, opened, integration)


def _upgrade(out: Results, installation: Installation, image: str) -> None:
    [expected] = installation.call("docker", "inspect", "-f", "{{.Id}}", image).split()
    began = time.monotonic()
    installation.call("docker/upgrade.sh", image)
    running = installation.call(
        *("docker", "inspect", "-f", "{{.Image}}"),
        *installation.containers("redirects", "web", "worker", "webhooks", "beat"),
    ).split()
    out.expect(
        f"all {len(running)} containers run {image}"
        f" after {time.monotonic() - began:.0f} s",
        holds=set(running) == {expected},
    )


def _build_next_release(installation: Installation) -> None:
    """Build an image of the checkout with one more migration."""
    migrations = CHECKOUT / "shortlinks" / "migrations"
    latest = max(path.stem for path in migrations.glob("0*.py"))
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        migration = context / "9999_drill.py"
        migration.write_text(MIGRATION.format(latest=latest))
        migration.chmod(0o644)
        (context / "Dockerfile").write_text(DOCKERFILE)
        installation.call("docker", "build", "-q", "-t", NEW_IMAGE, name)


def _is_migrated(installation: Installation) -> bool:
    return installation.sql(
        "SELECT count(*) FROM django_migrations WHERE name = '9999_drill'"
    ) == [["1"]]
