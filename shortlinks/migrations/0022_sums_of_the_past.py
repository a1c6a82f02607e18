"""What was counted before 0021, summed link by link and day by day.

Each step is a transaction of its own, so nobody who counts waits for it.
"""

from datetime import timedelta
from typing import Any

from django.db import migrations

LINKS_AT_ONCE = 20_000


def sum_up(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT min(link_id), max(link_id) FROM shortlinks_dailyvisits")
        first, last = cursor.fetchone()
        if first is None:
            return
        for link in range(first, last + 1, LINKS_AT_ONCE):
            step = [link, link + LINKS_AT_ONCE - 1]
            cursor.execute("SELECT shortlinks_sum_last_opens(%s, %s)", step)
        cursor.execute("SELECT min(day), max(day) FROM shortlinks_dailyvisits")
        day, last_day = cursor.fetchone()
        while day <= last_day:
            cursor.execute("SELECT shortlinks_sum_day(%s)", [day])
            day += timedelta(days=1)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shortlinks", "0021_sums_of_counts")]

    operations = [migrations.RunPython(sum_up, migrations.RunPython.noop)]
