"""One child process: its log, its restarts, its end, and the end of its supervisor."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from deploy.local import orphans
from deploy.local.child import Child
from deploy.local.state import LocalService, Process, Stack
from shared.contract.vocabulary import ServiceName


def child(folder: Path, code: str, **how: float) -> Child:
    command = [sys.executable, "-c", code]
    return Child("part", command, {"MARK": "given"}, folder / "part.log", folder, **how)


async def test_it_gets_its_environment_alone_and_its_log_is_its_owners(tmp_path: Path) -> None:
    part = child(tmp_path, "import os; print(sorted(os.environ), oct(os.umask(0)), flush=True)")
    once = asyncio.Event()
    keeping = asyncio.create_task(part.keep(once.set))
    await once.wait()
    assert part.process is not None
    await part.process.wait()
    await part.end()
    await keeping
    said = part.log_file.read_text().splitlines()[0]
    assert "'MARK'" in said
    assert "'HOME'" not in said
    assert said.endswith("0o77")
    assert part.log_file.stat().st_mode & 0o777 == 0o600


async def test_it_is_started_again_at_once_when_it_dies_and_says_its_last_words(
    tmp_path: Path,
) -> None:
    part = child(tmp_path, "print('out of cheese'); raise SystemExit(3)")
    starts = asyncio.Queue[int]()
    keeping = asyncio.create_task(part.keep(lambda: starts.put_nowait(part.restarts)))
    async with asyncio.timeout(20):
        assert [await starts.get() for _ in range(2)] == [0, 1]
    await part.end()
    await keeping
    assert part.last_words() == "out of cheese"


async def test_one_that_does_not_end_is_killed_after_its_patience(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
    part = child(tmp_path, deaf + "\nwhile True: time.sleep(1)", patience=0.3)
    keeping = asyncio.create_task(part.keep(lambda: None))
    async with asyncio.timeout(20):
        while part.last_words() != "up":
            await asyncio.sleep(0.01)
        await part.end()
        await keeping
    assert part.process is not None
    assert part.process.returncode == -signal.SIGKILL


def test_one_that_never_ran_said_nothing(tmp_path: Path) -> None:
    assert child(tmp_path, "").last_words() == "it said nothing"


def test_it_dies_with_its_supervisor(tmp_path: Path) -> None:
    code = (
        "import asyncio; from pathlib import Path; from deploy.local.child import Child; "
        "import sys; c = Child('x', ['/bin/sleep', '60'], {}, Path(sys.argv[1]) / 'l', Path('/'));"
        "asyncio.run(c.keep(lambda: print(c.process.pid, flush=True)))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        sleeper = psutil.Process(int(supervisor.stdout.readline()))
        supervisor.kill()
    end = time.monotonic() + 10
    while sleeper.is_running() and sleeper.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "the child outlived its supervisor"
        time.sleep(0.01)


def stack_of(data: Path, **processes: Process) -> Stack:
    service = LocalService(url="", env={}, auditor_dsn="", owner_dsn="", log=data)
    return Stack(
        data=data,
        port_base=18000,
        supervisor=Process.of(os.getpid()),
        processes=processes,
        services={name.value: service for name in ServiceName},
        admin_dsn="postgresql://postgres:secret@127.0.0.1:1/postgres",
        kafka_bootstrap="127.0.0.1:2",
        kafka_password="secret",
        topic="t",
        trust_file=data,
        log_vkey=data,
        jwks_file=data,
        token_key_file=data,
    )


def test_orphans_are_ended_and_named_and_others_are_left_alone(tmp_path: Path) -> None:
    sleepers = [subprocess.Popen(["/bin/sleep", "60"]) for _ in range(3)]
    try:
        intake, kafka, stranger = (Process.of(sleeper.pid) for sleeper in sleepers)
        reused = stranger.model_copy(update={"created": stranger.created - 100})
        left = stack_of(tmp_path, intake=intake, kafka=kafka, postgres=reused)
        assert orphans.end(left) == ["intake", "kafka"]
        assert [sleeper.poll() for sleeper in sleepers[:2]] == [-signal.SIGTERM] * 2
        assert sleepers[2].poll() is None, "its number was given to another process since"
        assert orphans.end(left) == []
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()


def test_a_stack_is_saved_for_its_owner_alone_and_shows_no_secret(tmp_path: Path) -> None:
    stack = stack_of(tmp_path)
    stack.save()
    assert (tmp_path / "stack.json").stat().st_mode & 0o777 == 0o600
    assert Stack.model_validate_json((tmp_path / "stack.json").read_text()) == stack
    assert "secret" not in repr(stack)
    assert stack.postgres == "127.0.0.1:1"
    stack.forget()
    assert list(tmp_path.iterdir()) == []
