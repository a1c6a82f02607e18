"""Spooled visits are durable and replayed once; corrupt lines are quarantined."""

import importlib.util
import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlinks.domain.visits import spool
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.models import Visit
from tests import factories
from tests.factories import facts

MAX_BYTES = 10**6


def ids() -> set[str]:
    return {str(id_) for id_ in Visit.objects.values_list("id", flat=True)}


def bad(directory: Path) -> list[bytes]:
    path = directory / "visits.bad"
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=50))
def test_visit_is_encoded_and_decoded(agent: str) -> None:
    visit = facts(user_agent=agent, pixel_is_new=True)

    assert spool.decode(spool.encode(visit)) == visit


@given(st.data())
def test_line_with_any_changed_bit_is_corrupt(data: st.DataObject) -> None:
    line = bytearray(spool.encode(facts()))
    place = data.draw(st.integers(0, len(line) - 1))
    bit = data.draw(st.integers(0, 7))
    line[place] ^= 1 << bit

    decoded = spool.decode(bytes(line))

    # letters of the checksum may change their case
    assert decoded is None or bytes(line).lower() == spool.encode(decoded).lower()


def test_visits_are_synced_on_systems_without_fdatasync(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    synced: list[int] = []
    monkeypatch.delattr(os, "fdatasync")
    monkeypatch.setattr(os, "fsync", synced.append)
    source = importlib.util.spec_from_file_location("spool_of_macos", spool.__file__)
    assert source
    assert source.loader
    macos = importlib.util.module_from_spec(source)
    monkeypatch.setitem(sys.modules, "spool_of_macos", macos)  # for dataclasses
    source.loader.exec_module(macos)

    macos.Writer(tmp_path, max_bytes=MAX_BYTES).append([facts()])

    assert len(synced) == 2  # the folder and the file
    assert spool.is_waiting(tmp_path)


def test_line_of_an_older_release_is_decoded() -> None:
    visit = facts()
    body = msgspec.json.encode(list(visit)[:13])

    line = b"%b %08x\n" % (body, zlib.crc32(body))

    assert spool.decode(line) == visit


def test_appended_visits_are_replayed_once_and_removed(
    db: None, tmp_path: Path
) -> None:
    visits = [facts() for _ in range(1200)]
    writer = spool.Writer(tmp_path, max_bytes=MAX_BYTES)
    for start in range(0, 1200, 100):
        writer.append(visits[start : start + 100])
    writer.finish()

    first, second = spool.replay(tmp_path), spool.replay(tmp_path)

    assert (first.files, first.visits, second.files) == (1, 1200, 0)
    assert ids() == {visit.id for visit in visits}
    assert list(tmp_path.iterdir()) == []


def test_visit_that_is_already_stored_is_not_changed(db: None, tmp_path: Path) -> None:
    link = factories.link(factories.contact(factories.account()))
    stored = factories.visit(link)
    writer = spool.Writer(tmp_path, max_bytes=MAX_BYTES)
    writer.append([facts(id=str(stored.id)), facts()])
    writer.finish()

    spool.replay(tmp_path)

    assert Visit.objects.count() == 2
    stored.refresh_from_db()
    assert stored.link == link


def test_file_in_use_is_not_replayed(db: None, tmp_path: Path) -> None:
    writer = spool.Writer(tmp_path, max_bytes=MAX_BYTES)
    writer.append([facts()])

    assert spool.replay(tmp_path).files == 0
    writer.append([facts()])
    writer.finish()
    assert spool.replay(tmp_path).visits == 2


APPEND_AND_DIE = """
import os, signal, sys
from pathlib import Path
import django, msgspec
django.setup()
from shortlinks.domain.visits import spool
from shortlinks.domain.visits.visit_records import VisitRecord
visits = msgspec.json.decode(sys.argv[2], type=list[VisitRecord])
spool.Writer(Path(sys.argv[1]), max_bytes=10**6).append(visits)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.process
def test_file_of_a_killed_process_is_replayed(db: None, tmp_path: Path) -> None:
    visits = [facts() for _ in range(5)]
    encoded = msgspec.json.encode(visits).decode()
    command = [sys.executable, "-c", APPEND_AND_DIE, str(tmp_path), encoded]

    died = subprocess.run(command, timeout=60)
    spool.replay(tmp_path)

    assert died.returncode == -signal.SIGKILL
    assert ids() == {visit.id for visit in visits}


def test_corrupt_and_rejected_lines_are_quarantined_and_others_replayed(
    db: None, tmp_path: Path
) -> None:
    good = [facts() for _ in range(3)]
    rejected = spool.encode(facts(visitor_hash="not hex"))
    lines = [spool.encode(visit) for visit in good]
    torn = lines[0][:40]
    content = b"".join([lines[0], b"junk\n", lines[1], rejected, lines[2], torn])
    (tmp_path / "visits-x.ndjson").write_bytes(content)

    replayed = spool.replay(tmp_path)

    assert (replayed.visits, replayed.corrupt, replayed.rejected) == (3, 2, 1)
    assert ids() == {visit.id for visit in good}
    assert b"".join(bad(tmp_path)) == b"junk\n" + torn + rejected


def test_spool_rejects_visits_beyond_its_limit(tmp_path: Path) -> None:
    writer = spool.Writer(tmp_path, max_bytes=2000)
    visits = [facts() for _ in range(10)]

    with pytest.raises(spool.SpoolFull):
        writer.append(visits)

    assert spool.used(tmp_path) == 0
    writer.append(visits[:2])
    assert 0 < spool.used(tmp_path) <= 2000
    writer.finish()


def test_full_disk_stores_no_part_of_a_batch_and_later_lines_are_intact(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = facts(), facts()
    writer = spool.Writer(tmp_path, max_bytes=MAX_BYTES)
    writer.append([first])
    real = os.write

    def half_then_full(descriptor: int, data: bytes) -> int:
        if len(data) < 30:
            raise OSError(28, "No space left on device")
        return real(descriptor, bytes(data)[: len(data) - 20])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half_then_full)
        with pytest.raises(OSError, match="No space"):
            writer.append([facts(), facts()])
    writer.append([later])
    writer.finish()
    assert len(list(tmp_path.iterdir())) == 1

    spool.replay(tmp_path)

    assert ids() == {first.id, later.id}


class Interleaving:
    """A redirect process with Postgres and its spool, one step at a time."""

    def __init__(self, directory: Path) -> None:
        self.answered: list[VisitRecord] = []
        self._directory = directory
        self._writer = spool.Writer(directory, max_bytes=MAX_BYTES)

    def commit(self) -> None:
        self.answered.append(facts())
        spool._insert(self.answered[-1:])

    def spool(self) -> None:
        self.answered.append(facts())
        self._writer.append(self.answered[-1:])

    def commit_without_confirmation(self) -> None:
        self.commit()
        self._writer.append(self.answered[-1:])

    def crash(self) -> None:
        """End the process: its lock is released, its file stays."""
        self._writer.finish()

    def replay(self) -> None:
        spool.replay(self._directory)

    def replay_that_is_killed_before_it_removes_the_file(self) -> None:
        spool._insert(self.answered)


STEPS = [name for name in vars(Interleaving) if not name.startswith("_")]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(STEPS), max_size=25))
def test_every_answered_open_is_stored_once_in_any_interleaving(
    db: None, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    Visit.objects.all().delete()
    story = Interleaving(tmp_path_factory.mktemp("spool"))

    for step in [*steps, "crash", "replay"]:
        getattr(story, step)()

    assert ids() == {visit.id for visit in story.answered}
    assert Visit.objects.count() == len(story.answered)
