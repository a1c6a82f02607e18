from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from shortlinks.domain.visits import partitions
from shortlinks.models import DailySalt, Visit
from tests import factories


def partition_names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'shortlinks_visit'::regclass"
        )
        return {row[0] for row in cursor}


def test_partitions_are_created_three_months_ahead_and_only_once(db: None) -> None:
    for _ in range(2):
        partitions.create_partitions(date(2031, 11, 30))

    assert {
        "shortlinks_visit_2031_11",
        "shortlinks_visit_2031_12",
        "shortlinks_visit_2032_01",
        "shortlinks_visit_2032_02",
    } <= partition_names()


def test_visit_is_stored_in_the_partition_of_its_month(db: None) -> None:
    visit = factories.visit(1)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM shortlinks_visit WHERE id = %s",
            [visit.id],
        )
        [(table,)] = cursor.fetchall()

    assert table == f"shortlinks_visit_{timezone.now():%Y_%m}"
    assert Visit.objects.count() == 1


def test_daily_salts_are_deleted_after_two_days(db: None) -> None:
    today = timezone.now().date()
    for days in range(4):
        # A running redirect process may have created the one of today.
        DailySalt.objects.get_or_create(
            day=today - timedelta(days=days), defaults={"key": b"k"}
        )

    partitions.delete_expired_salts()

    kept = set(DailySalt.objects.values_list("day", flat=True))
    assert kept == {today, today - timedelta(days=1)}
