"""The arithmetic of growth: what so many opens a second need, and what ends first.

`docs/scaling.md` explains it. The costs are measured on one node (`NODE`); the model
must give back what was measured there, and tests hold it to that.
"""

from dataclasses import dataclass
from math import ceil

SECONDS_OF_A_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Of one visit, in microseconds of one core, and what it leaves behind.

    `log_bytes` and `row_bytes` are for all that a visit writes, indexes too, from the
    open to the end of its follow-up.
    """

    redirect_python: float
    redirect_postgres: float
    follow_up_python: float
    follow_up_postgres: float
    log_bytes: float
    row_bytes: float
    redis_commands: float  # a cached link needs none; bells and misses do


# Measured on the machine of docs/performance.md.
NODE = Costs(
    redirect_python=107,
    redirect_postgres=32,
    follow_up_python=88,
    follow_up_postgres=125,
    log_bytes=2_800,
    row_bytes=1_100,
    redis_commands=0.05,
)
LOAD_GENERATOR = 20.0  # wrk, microseconds a request


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What is rented, by the month: all nodes have the same cores."""

    cores: int = 16
    # Beyond it a queue forms: what else runs, and the peaks within a second.
    most_busy: float = 0.7
    log_bytes_a_second: float = 500e6  # of one Postgres, with a replica that follows
    redis_commands_a_second: float = 150_000  # of one node, with pipelines more
    # Of the cores of a primary; beyond them commits wait for locks, not for cores.
    primary_cores: int = 64
    core_month: float = 15.0
    gigabyte_month: float = 0.1


@dataclass(frozen=True, slots=True)
class Needs:
    """Cores by role, counts of nodes, and the bill of a month."""

    redirect_cores: float
    worker_cores: float
    postgres_cores: float
    log_bytes_a_second: float
    redis_nodes: int
    shards: int
    gigabytes: float  # of visits, once
    cost_a_month: float


def rate_of_one_node(costs: Costs, *, cores: float, beside: float = 0) -> float:
    """Opens a second when redirects and Postgres share these cores.

    `beside` is what an open costs there besides, such as its load generator.
    """
    return cores * 1e6 / (costs.redirect_python + costs.redirect_postgres + beside)


def lasting_rate_of_one_node(costs: Costs, *, cores: float) -> float:
    """Opens a second that the same cores follow up as well, for ever."""
    return (
        cores
        * 1e6
        / (
            costs.redirect_python
            + costs.redirect_postgres
            + costs.follow_up_python
            + costs.follow_up_postgres
        )
    )


def rate_of_one_worker(costs: Costs) -> float:
    """Python and Postgres take turns within a worker: it waits for its statements."""
    return 1e6 / (costs.follow_up_python + costs.follow_up_postgres)


def needs(opens: float, costs: Costs, hardware: Hardware, *, kept_days: float) -> Needs:
    """For so many opens a second, with visits kept so long; each shard has a replica.

    Workers are as many as keep up: a backlog that never empties is none.
    """
    busy = hardware.most_busy
    redirects = opens * costs.redirect_python / 1e6 / busy
    workers = opens * costs.follow_up_python / 1e6 / busy
    postgres = opens * (costs.redirect_postgres + costs.follow_up_postgres) / 1e6 / busy
    log = opens * costs.log_bytes
    commands = opens * costs.redis_commands
    shards = max(
        ceil(postgres / hardware.primary_cores),
        ceil(log / hardware.log_bytes_a_second),
        1,
    )
    stored = opens * costs.row_bytes * SECONDS_OF_A_DAY * kept_days / 1e9
    cores = redirects + workers + 2 * postgres
    return Needs(
        redirect_cores=redirects,
        worker_cores=workers,
        postgres_cores=postgres,
        log_bytes_a_second=log,
        redis_nodes=max(ceil(commands / hardware.redis_commands_a_second / busy), 1),
        shards=shards,
        gigabytes=stored,
        cost_a_month=cores * hardware.core_month + 2 * stored * hardware.gigabyte_month,
    )


def first_limit(costs: Costs, hardware: Hardware) -> tuple[str, float]:
    """What one Postgres primary runs out of, and at how many opens a second."""
    postgres = costs.redirect_postgres + costs.follow_up_postgres
    cores = hardware.primary_cores * hardware.most_busy * 1e6 / postgres
    log = hardware.log_bytes_a_second / costs.log_bytes
    return min(("cores", cores), ("log", log), key=lambda limit: limit[1])
