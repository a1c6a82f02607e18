"""`make run`: the whole service in the foreground; all that it keeps is in `var/`."""

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
# Kept from run to run; where metrics and the health of workers and beat are read.
WATCH_PORTS = ("METRICS", "WORKER_HEALTH", "WEBHOOKS_HEALTH", "BEAT_HEALTH")
DEMO_PORT = "DEMO_SITE"

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
    """Until it is interrupted; `RunError` if a part fails for good."""
    signals.expect()
    var = project / "var"
    (var / "log").mkdir(parents=True, exist_ok=True)
    if var.stat().st_uid != os.geteuid():
        raise RunError(f"{var} is {var.owner()}'s: run as that user, or remove it")
    var.chmod(0o755)  # for the stores' user; what is secret in it has modes of its own
    with locks.alone(var):
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
    kept = ports.keep(var / "ports.env", *stores.PORTS, *WATCH_PORTS, DEMO_PORT)
    metrics_port = environment.port("METRICS_PORT", kept["METRICS"])
    own = stores.needed(var, secrets, kept)
    settings = {
        "BASE_URL": f"http://{roles.LOOPBACK}:{web_port}",
        "SHORT_BASE_URL": f"http://{roles.LOOPBACK}:{redirect_port}",
        "ALLOWED_HOSTS": f"{roles.LOOPBACK},localhost",
        "METRICS_PORT": str(metrics_port),
        "DEMO_SITE_URL": f"http://{demo_site.HOST}:{kept[DEMO_PORT]}",
        **{store.setting: store.url for store in own},
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
        environment=environment.compose(var, secrets, settings),
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
        raise RunError(f"{path} is gone: restore it, or remove {var} to start anew")
    return keys.kept(path)


def _serve(service: Service) -> None:
    began = time.monotonic()
    plan = service.plan
    names = (supervision.NAME, *(each.name for each in plan.programs))
    with (
        console.following({name: plan.log(name) for name in names}),
        supervision.supervise(plan) as supervisor,
    ):
        try:
            _bring_up(service, supervisor)
            say(f"ready in {time.monotonic() - began:.1f} s; Ctrl-C stops it")
            console.show(demo.summary(plan.var / "demo.env"))
            while True:
                supervisor.check()
                time.sleep(WATCH_SECONDS)
        except RunError as error:
            say(f"error: {error}")
            raise
        finally:
            say("stopping beat, metrics, redirects, web, workers, then the stores ...")


def _bring_up(service: Service, supervisor: Supervisor) -> None:
    plan = service.plan
    _start_stores(service, supervisor)
    say("migrating the database ...")
    _manage(plan, "migrate", "--no-input")
    worker_log = console.Log(plan.log("worker"))
    for role in service.roles:
        say(f"starting {role.name} ...")
        supervisor.start(role)
    _record_demo(plan)
    web = partial(_is_healthy, service.web_port, plan.environment["BASE_URL"])
    supervisor.wait("web", web)
    short = partial(
        _is_healthy, service.redirect_port, plan.environment["SHORT_BASE_URL"]
    )
    supervisor.wait("redirects", short)
    metrics = partial(_is_healthy, service.metrics_port, f"http://{roles.LOOPBACK}")
    supervisor.wait("metrics", metrics)
    supervisor.wait("worker", partial(_says_ready, worker_log))
    say("starting webhooks ...")  # last: nobody waits for it
    supervisor.start(service.webhooks)


def _start_stores(service: Service, supervisor: Supervisor) -> None:
    for store in service.stores:
        say(f"starting {store.title} in {store.home.directory} ...")
        store.prepare()
        supervisor.start(store.program)
    for store in service.stores:
        supervisor.wait(store.program.name, store.serves)


def _record_demo(plan: Plan) -> None:
    path = plan.var / "demo.env"
    created = demo.kept(path, plan.environment["DATABASE_URL"])
    if not created:
        say("creating the demo data ...")
        created = env_file.parse(_manage(plan, "create_demo_data"))
    demo.write(path, plan.environment, created)


def _manage(plan: Plan, *arguments: str) -> str:
    """Its output; it runs in a session of its own, so that a Ctrl-C is ours alone."""
    command = (sys.executable, "manage.py", *arguments)
    done = subprocess.run(
        command,
        cwd=plan.project,
        env=dict(plan.environment),
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RunError(f"manage.py {arguments[0]} failed: {done.stdout}")
    return done.stdout


def _is_healthy(port: int, address: str) -> bool:
    """Asked by the name that the world uses, which may be the only one allowed."""
    connection = http.client.HTTPConnection(roles.LOOPBACK, port, timeout=5)
    headers = {"Host": urlsplit(address).netloc}
    try:
        connection.request("GET", "/healthz", headers=headers)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _says_ready(log: console.Log) -> bool:
    return any(" ready." in line for line in log.new_lines())
