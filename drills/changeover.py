"""Up, scaled, under load: an upgrade with a migration, and the way back."""

import tempfile
import time
from pathlib import Path

from drills import findings, load
from drills.findings import Findings
from drills.installation import Installation
from drills.load import Load

NEW_IMAGE = "shortlinks:drill-new"
LINKS = 100
RATE = 200.0
CALM_SECONDS = 8.0
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


def drill(found: Findings, installation: Installation) -> None:
    _build_new(installation)
    codes = load.make_links(installation, LINKS)
    with Load(installation, codes, rate=RATE) as seen:
        time.sleep(CALM_SECONDS)
        _change(found, installation, NEW_IMAGE)
        found.expect("the migration is there", holds=_is_migrated(installation))
        time.sleep(CALM_SECONDS)
        _change(found, installation, "shortlinks:drill-previous")
        time.sleep(CALM_SECONDS)
    findings.count(found, installation, seen)


def _change(found: Findings, installation: Installation, image: str) -> None:
    [wanted] = installation.call("docker", "inspect", "-f", "{{.Id}}", image).split()
    began = time.monotonic()
    installation.call("docker/upgrade.sh", image)
    running = installation.call(
        *("docker", "inspect", "-f", "{{.Image}}"),
        *installation.containers("redirects", "web", "worker", "webhooks", "beat"),
    ).split()
    found.expect(
        f"everything runs {image}, after {time.monotonic() - began:.0f} s:"
        f" {len(running)} containers",
        holds=set(running) == {wanted},
    )


def _build_new(installation: Installation) -> None:
    """What is checked out with a migration on top: the next release."""
    folder = Path(__file__).parent.parent / "shortlinks" / "migrations"
    latest = max(path.stem for path in folder.glob("0*.py"))
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        migration = MIGRATION.format(latest=latest)
        (context / "9999_drill.py").write_text(migration)
        (context / "9999_drill.py").chmod(0o644)
        (context / "Dockerfile").write_text(DOCKERFILE)
        installation.call("docker", "build", "-q", "-t", NEW_IMAGE, name)


def _is_migrated(installation: Installation) -> bool:
    return installation.sql(
        "SELECT count(*) FROM django_migrations WHERE name = '9999_drill'"
    ) == [["1"]]
