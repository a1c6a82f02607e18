"""The model of docs/scaling.md gives back what was measured on one node."""

from pathlib import Path

import pytest
from django.conf import settings

from benchmarks import scaling
from benchmarks.scaling import LOAD_GENERATOR, NODE, Hardware

# From docs/performance.md: two cores, the load generator and Postgres beside.
MEASURED_REDIRECTS = 12_580
MEASURED_FOLLOW_UP = 4_825
DOC = Path(settings.BASE_DIR) / "docs" / "scaling.md"


def test_redirects_of_one_node() -> None:
    rate = scaling.rate_of_one_node(NODE, cores=2, beside=LOAD_GENERATOR)

    assert rate == pytest.approx(MEASURED_REDIRECTS, rel=0.15)


def test_follow_up_of_one_worker() -> None:
    rate = scaling.rate_of_one_worker(NODE)

    assert rate == pytest.approx(MEASURED_FOLLOW_UP, rel=0.15)


def test_twice_the_opens_need_twice_the_cores() -> None:
    one = scaling.needs(10_000, NODE, Hardware(), kept_days=30)
    two = scaling.needs(20_000, NODE, Hardware(), kept_days=30)

    assert two.redirect_cores == pytest.approx(2 * one.redirect_cores)
    assert two.worker_cores == pytest.approx(2 * one.worker_cores)
    assert two.postgres_cores == pytest.approx(2 * one.postgres_cores)
    assert two.gigabytes == pytest.approx(2 * one.gigabytes)


def test_one_primary_is_enough_up_to_its_first_limit_and_not_beyond() -> None:
    hardware = Hardware()
    _, limit = scaling.first_limit(NODE, hardware)

    below = scaling.needs(limit * 0.99, NODE, hardware, kept_days=7)
    beyond = scaling.needs(limit * 1.01, NODE, hardware, kept_days=7)

    assert (below.shards, beyond.shards) == (1, 2)


@pytest.mark.parametrize("opens", [1_000, 10_000, 100_000, 1_000_000])
def test_the_page_says_what_the_model_says(opens: int) -> None:
    found = scaling.needs(opens, NODE, Hardware(), kept_days=7)

    row = (
        f"| {opens:,} | {found.redirect_cores:,.1f} | {found.worker_cores:,.1f}"
        f" | {found.postgres_cores:,.1f} | {found.log_bytes_a_second / 1e6:,.0f} MB/s"
        f" | {found.gigabytes / 1e3:,.1f} TB | {found.shards}"
        f" | ${round(found.cost_a_month, -2):,.0f} |"
    )
    assert row in DOC.read_text()
