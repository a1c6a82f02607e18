"""`make run`: the whole service in the foreground, with its data in `var/`."""

import http.client
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from deploy import env_file, keys, roles
from deploy.programs import Program
from devserver import (
    console,
    demo,
    demo_site,
    environment,
    locks,
    orphans,
    ports,
    signals,
    store_directories,
    stores,
    supervision,
)
from devserver.errors import RunError
from devserver.stores import Store
from devserver.supervision import Plan, Supervisor

WATCH_SECONDS = 0.3
# `ports.reuse_or_pick` chooses the same ports on each start, if they are free.
HEALTH_PORTS = ("METRICS", "WORKER_HEALTH", "WEBHOOKS_HEALTH", "BEAT_HEALTH")
DEMO_PORT = "DEMO_SITE"
STEPS = 4
MANAGE = "manage"  # the log of manage.py

say = partial(console.say, "run")


@dataclass(frozen=True)
class Service:
    plan: Plan
    stores: tuple[Store, ...]
    roles: tuple[Program, ...]
    webhooks: Program
    web_port: int
    redirect_port: int
    metrics_port: int


def run(project: Path) -> int:
    """Serve until interrupted. Raise RunError if a process keeps failing."""
    signals.raise_on_stop_signals()
    var = project / "var"
    (var / "log").mkdir(parents=True, exist_ok=True)
    if var.stat().st_uid != os.geteuid():
        raise RunError(f"{var} belongs to {var.owner()}: run as {var.owner()}")
    var.chmod(0o755)  # for the stores' user; secret files have their own modes
    with locks.exclusive(var):
        try:
            orphans.stop(var, store_directories.directory(var))
            _serve(_prepare(project, var))
        except signals.Interrupted:
            say("stopped")
        finally:
            signals.ignore()
            orphans.stop(var, store_directories.directory(var))
    return 0


def _prepare(project: Path, var: Path) -> Service:
    web_port, redirect_port = _free_ports()
    secrets = _secrets(var)
    kept = ports.reuse_or_pick(
        var / "ports.env", *stores.PORTS, *HEALTH_PORTS, DEMO_PORT
    )
    metrics_port = environment.port("METRICS_PORT", kept["METRICS"])
    own = stores.needed(var, secrets, kept)
    addresses = {
        "BASE_URL": f"http://{roles.LOOPBACK}:{web_port}",
        "SHORT_BASE_URL": f"http://{roles.LOOPBACK}:{redirect_port}",
        "METRICS_PORT": str(metrics_port),
        "DEMO_SITE_URL": f"http://{demo_site.HOST}:{kept[DEMO_PORT]}",
        **{store.setting: store.app_url for store in own},
    }
    parts = (
        roles.web(web_port),
        roles.redirects(redirect_port),
        roles.worker(health_port=kept["WORKER_HEALTH"]),
        roles.metrics(metrics_port),
        roles.beat(var / "beat-schedule", health_port=kept["BEAT_HEALTH"]),
        demo_site.program(kept[DEMO_PORT], project, var / "demo.env"),
    )
    webhooks = roles.webhooks(health_port=kept["WEBHOOKS_HEALTH"])
    plan = Plan(
        project=project,
        var=var,
        programs=(*(store.program for store in own), *parts, webhooks),
        environment=environment.for_run(var, secrets, addresses),
        password=secrets["SUPERVISOR_PASSWORD"],
    )
    return Service(plan, own, parts, webhooks, web_port, redirect_port, metrics_port)


def _free_ports() -> tuple[int, int]:
    web = environment.port("PORT", 8000)
    redirects = environment.port("REDIRECT_PORT", web + 1)
    if web == redirects:
        raise RunError("PORT and REDIRECT_PORT must differ")
    for name, port in (("PORT", web), ("REDIRECT_PORT", redirects)):
        if not ports.is_free(port):
            raise RunError(f"port {port} is taken; choose another with {name}=")
    return web, redirects


def _secrets(var: Path) -> dict[str, str]:
    path = var / "secrets.env"
    if store_directories.directory(var).exists() and not path.exists():
        raise RunError(f"{path} is missing: restore it, or remove {var} to start over")
    return keys.load_or_create(path)


def _serve(service: Service) -> None:
    began = time.monotonic()
    plan = service.plan
    _rotate_logs(plan)
    with supervision.supervise(plan) as supervisor:
        try:
            _bring_up(service, supervisor)
            say(f"ready in {time.monotonic() - began:.1f} s; Ctrl-C stops it")
            say(f"logs of all processes: {plan.log_directory}")
            console.show(demo.summary(plan.var / "demo.env"))
            while True:
                supervisor.check()
                time.sleep(WATCH_SECONDS)
        finally:
            say("stopping")


def _rotate_logs(plan: Plan) -> None:
    """Start each log with this run; NAME.log.1 has the end of the last one."""
    names = (supervision.NAME, MANAGE, *(each.name for each in plan.programs))
    for log in map(plan.log, names):
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        log.touch(mode=0o600)


def _bring_up(service: Service, supervisor: Supervisor) -> None:
    plan = service.plan
    _start_stores(service, supervisor)
    _progress(2, "migrating the database")
    owner_urls = {store.setting: store.url for store in service.stores}
    _manage(plan, "migrate", "--no-input", **owner_urls)
    _progress(3, f"starting {', '.join(role.name for role in service.roles)}")
    for role in service.roles:
        supervisor.start(role)
    _record_demo(plan)
    for name, port, address in (
        ("web", service.web_port, plan.environment["BASE_URL"]),
        ("redirects", service.redirect_port, plan.environment["SHORT_BASE_URL"]),
        ("metrics", service.metrics_port, f"http://{roles.LOOPBACK}"),
    ):
        supervisor.wait(name, partial(_is_healthy, port, address))
    supervisor.wait("worker", partial(_is_worker_ready, plan.log("worker")))
    supervisor.start(service.webhooks)  # last: the demo does not wait for it


def _start_stores(service: Service, supervisor: Supervisor) -> None:
    titles = " and ".join(store.title for store in service.stores)
    _progress(1, f"starting {titles}" if titles else "using the stores of the settings")
    for store in service.stores:
        store.prepare()
        supervisor.start(store.program)
    for store in service.stores:
        supervisor.wait(store.program.name, store.make_ready)


def _record_demo(plan: Plan) -> None:
    path = plan.var / "demo.env"
    created = demo.load(path, plan.environment["DATABASE_URL"])
    if created:
        _progress(4, "waiting for the processes")
    else:
        _progress(4, "creating demo data")
        created = env_file.parse(_manage(plan, "create_demo_data"))
    demo.write(path, plan.environment, created)


def _progress(step: int, text: str) -> None:
    console.say(f"{step}/{STEPS}", text)


def _manage(plan: Plan, *arguments: str, **settings: str) -> str:
    """Run a command; return its output, which may contain secrets and is not logged."""
    log = plan.log(MANAGE)
    with log.open("ab") as errors:
        done = subprocess.run(
            (sys.executable, "manage.py", *arguments),
            cwd=plan.project,
            env={**plan.environment, **settings},
            start_new_session=True,  # Ctrl-C is handled by us only
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    if done.returncode:
        raise RunError(f"manage.py {arguments[0]} failed; see {log}")
    return done.stdout


def _is_healthy(port: int, address: str) -> bool:
    """Probe with the public host name, which may be the only one allowed."""
    connection = http.client.HTTPConnection(roles.LOOPBACK, port, timeout=5)
    headers = {"Host": urlsplit(address).netloc}
    try:
        connection.request("GET", "/healthz", headers=headers)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_worker_ready(log: Path) -> bool:
    return " ready." in log.read_text(errors="replace")
