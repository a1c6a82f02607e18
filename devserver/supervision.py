"""Start supervisord, which runs the processes, and control it over XML-RPC."""

import configparser
import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, cast
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from deploy.programs import Program, Rank
from devserver import console, signals
from devserver.errors import RunError

NAME = "supervisor"
READY_SECONDS = 120
STOP_SECONDS = 180
POLL_SECONDS = 0.05
NO_WAIT = False  # supervisord's parameter `wait`: we poll instead
REPEAT_SECONDS = 2
# The run ends if a program exits sooner than this at the start and all retries.
STEADY_SECONDS = 10
RETRIES = 2
LOG_BYTES = 10_000_000  # of each log, which is then rotated once
# In supervisord's file, "%" is expanded and the others start a comment.
MISREAD = ("%", " ;", " #")
# The kernel's limit for the path of a socket, without what supervisord appends to it.
SOCKET_PATH_BYTES = 92


class ProgramState(TypedDict):
    name: str
    group: str
    statename: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    project: Path
    var: Path
    programs: tuple[Program, ...]
    environment: Mapping[str, str]
    password: str

    @property
    def log_directory(self) -> Path:
        return self.var / "log"

    def log(self, name: str) -> Path:
        return self.log_directory / f"{name}.log"


@dataclass
class Supervisor:
    _plan: Plan
    _process: subprocess.Popen[bytes]
    _rpc: ServerProxy
    _pids: dict[str, int] = field(default_factory=dict)

    def start(self, program: Program) -> None:
        try:
            self._rpc.supervisor.startProcess(_full_name(program), NO_WAIT)
        except Fault as fault:
            raise RunError(f"{program.name}: {fault.faultString}") from fault

    def wait(self, name: str, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise RunError(f"{name} is not ready; see {self._plan.log(name)}")
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Clean up after crashes. Raise RunError if a program keeps failing."""
        if self._process.poll() is not None:
            raise RunError(f"supervisord exited; see {self._plan.log(NAME)}")
        for program in self.programs():
            name, pid = program["name"], program["pid"]
            if program["statename"] == "FATAL":
                raise RunError(f"{name} keeps failing; see {self._plan.log(name)}")
            if (before := self._pids.get(name)) and before != pid:
                log = self._plan.log(name)
                console.say("run", f"{name} exited and is restarted; see {log}")
                _kill_group(before)
            self._pids[name] = pid

    def programs(self) -> list[ProgramState]:
        """Return all programs, or none while supervisord starts or stops."""
        return cast(list[ProgramState], self._call("getAllProcessInfo") or [])

    def stop(self) -> None:
        """Stop the ranks one after the other, the last one first."""
        for rank in reversed(Rank):
            self._call("stopProcessGroup", _group(rank), NO_WAIT)
            signaled_at = time.monotonic()
            while any(self._is_stopping(each, rank) for each in self.programs()):
                time.sleep(POLL_SECONDS)
                if time.monotonic() - signaled_at > REPEAT_SECONDS:
                    self._repeat_signal(rank)
                    signaled_at = time.monotonic()

    def _is_stopping(self, info: ProgramState, rank: Rank) -> bool:
        return info["group"] == _group(rank) and info["statename"] == "STOPPING"

    def _repeat_signal(self, rank: Rank) -> None:
        """Repeat the signal: a program that was just starting may have missed it."""
        for program in self._plan.programs:
            if program.rank == rank:
                signal_name = program.stop_signal.name
                self._call("signalProcess", _full_name(program), signal_name)

    def _call(self, method: str, *arguments: str | bool) -> object:
        try:
            return getattr(self._rpc.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, Fault):
            self._rpc("close")()  # or the next call would read the rest of this answer
            return None


@contextlib.contextmanager
def supervise(plan: Plan) -> Iterator[Supervisor]:
    """Run supervisord, and start no program yet; at the end, stop all in order."""
    if any(mark in str(plan.var) for mark in MISREAD):
        raise RunError(f"{plan.var} contains '%', ' ;' or ' #': rename the directory")
    with _socket_directory(plan.var) as directory:
        socket = directory / "supervisor.sock"
        settings = _write_settings(plan, socket)
        process = subprocess.Popen(
            (sys.executable, "-m", "supervisor.supervisord", "-c", str(settings)),
            env=dict(plan.environment),
            # Ctrl-C in the terminal goes to the whole process group; only we handle it.
            start_new_session=True,
        )
        transport = SupervisorTransport(NAME, plan.password, f"unix://{socket}")
        rpc = ServerProxy("http://localhost", transport=transport)
        supervisor = Supervisor(plan, process, rpc)
        try:
            supervisor.wait(NAME, lambda: bool(supervisor.programs()))
            yield supervisor
        finally:
            signals.ignore()
            supervisor.stop()
            process.terminate()
            process.wait(STOP_SECONDS)


@contextlib.contextmanager
def _socket_directory(var: Path) -> Iterator[Path]:
    if len(os.fsencode(var)) < SOCKET_PATH_BYTES - len("/supervisor.sock"):
        yield var
    else:
        with tempfile.TemporaryDirectory(prefix="shortlinks-") as short:
            yield Path(short)


def _write_settings(plan: Plan, socket: Path) -> Path:
    parser = configparser.ConfigParser(interpolation=None)
    parser["unix_http_server"] = {
        "file": str(socket),
        "chmod": "0700",
        "username": NAME,
        "password": plan.password,
    }
    factory = "supervisor.rpcinterface:make_main_rpcinterface"
    parser["rpcinterface:supervisor"] = {"supervisor.rpcinterface_factory": factory}
    parser["supervisord"] = _daemon(plan)
    for program in plan.programs:
        parser[f"program:{program.name}"] = _program(program, plan)
    for rank in Rank:
        names = (each.name for each in plan.programs if each.rank == rank)
        parser[f"group:{_group(rank)}"] = {
            "programs": ",".join(names),
            "priority": str(rank.value),
        }
    path = plan.var / "supervisord.conf"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    with path.open("w") as file:
        parser.write(file)
    return path


def _daemon(plan: Plan) -> dict[str, str]:
    values = {
        "nodaemon": "true",
        "silent": "true",
        "logfile": str(plan.log(NAME)),
        "logfile_maxbytes": str(LOG_BYTES),
        "logfile_backups": "1",
        "pidfile": str(plan.var / "supervisord.pid"),
    }
    # Without it, supervisord prints a warning if it runs as root.
    return {**values, "user": "root"} if os.geteuid() == 0 else values


def _program(program: Program, plan: Plan) -> dict[str, str]:
    environment = (f'{key}="{value}"' for key, value in program.environment.items())
    values = {
        "command": shlex.join(program.command),
        "directory": "/" if program.user else str(plan.project),
        "environment": ",".join(environment),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": str(STEADY_SECONDS),
        "startretries": str(RETRIES),
        "stopsignal": program.stop_signal.name.removeprefix("SIG"),
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(plan.log(program.name)),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": "1",
    }
    return {**values, "user": program.user} if program.user else values


def _group(rank: Rank) -> str:
    """Return the name of a group, whose programs are stopped together."""
    return rank.name.lower()


def _full_name(program: Program) -> str:
    return f"{_group(program.rank)}:{program.name}"


def _kill_group(leader: int) -> None:
    """Kill what a crashed program left running, such as granian's workers."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
