"""The sender: what is refused is tried again, what breaks off is for a person to decide, and
nothing goes out twice."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from services.notify.sender import Sender
from shared.contract.vocabulary import ServiceName
from tests.integration.conftest import Environment
from tests.integration.notify.conftest import Notify, fact, replica, variables
from tests.integration.notify.sinks import Mailbox, Webhook
from tests.integration.runtime.processes import Process, until
from tests.integration.servers import ROOT


class TestARefusal:
    async def test_is_shown_and_tried_again_later(self, notify: Notify, hook: Webhook) -> None:
        hook.answers += [503]
        where = fact()
        incident = await notify.incident(where)
        message = await notify.requested(incident, where)
        notify.send()
        failed = await notify.becomes(message, "failed")
        assert (failed["note"], failed["attempt"]) == ("The channel answered HTTP 503.", 1)
        waits = datetime.fromisoformat(failed["due_at"]) - datetime.fromisoformat(failed["since"])
        assert waits == timedelta(seconds=5)
        told = await notify.becomes(message, "communicated")
        assert (told["attempt"], told["note"], len(hook.received)) == (2, None, 2)

    async def test_by_a_mail_server_is_one_too(self, notify: Notify, mail: Mailbox) -> None:
        mail.answers += ["451 come back later"]
        where = fact()
        message = await notify.requested(await notify.incident(where), where, channel="mail")
        notify.send()
        assert (await notify.becomes(message, "failed"))["note"] == "The mail server answered 451."
        await notify.becomes(message, "communicated", attempt=2)
        assert len(mail.received) == 1

    async def test_is_also_when_nobody_listens(self, notify: Notify) -> None:
        where = fact()
        message = await notify.requested(await notify.incident(where), where, channel="nowhere")
        notify.send()
        failed = await notify.becomes(message, "failed")
        assert failed["note"] == "There was no connection to the channel."
        assert failed["next_commands"] == ["reject"]

    async def test_holds_up_no_other_message(
        self, notify: Notify, hook: Webhook, mail: Mailbox
    ) -> None:
        hook.open.clear()
        where = fact()
        incident = await notify.incident(where)
        silent = await notify.requested(incident, where)
        quick = await notify.requested(incident, where, channel="mail")
        notify.send()
        await notify.becomes(quick, "communicated")
        assert (await notify.shown(silent))["status"] == "started"
        hook.open.set()
        await notify.becomes(silent, "communicated")
        assert len(mail.received) == 1


class TestABrokenAnswer:
    async def test_is_for_a_person_to_decide(self, notify: Notify, hook: Webhook) -> None:
        hook.answers += [504]
        where = fact()
        incident = await notify.incident(where)
        message = await notify.requested(incident, where)
        notify.send()
        unknown = await notify.becomes(message, "outcome_unknown")
        assert unknown["next_commands"] == ["decide_outcome"]
        assert (await notify.refused("colin", f"{message}/request"))["rule"] == "sent_once"
        found = {"delivered": True, "reason": "The chat shows it."}
        await notify.give("carla", f"{message}/outcome", found)
        told = await notify.shown(message)
        assert (told["status"], told["note"], len(hook.received)) == (
            "communicated",
            "The chat shows it.",
            1,
        )
        assert (await notify.types(incident))[-2:] == ["send_outcome_decided", "communicated"]


@contextlib.contextmanager
def sender_process(environment: Environment, channels: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A replica that only sends, as a process of its own."""
    started = subprocess.Popen(
        [sys.executable, "-m", "services.notify", "--roles", "workers"],
        cwd=ROOT,
        env=os.environ | variables(environment, channels),
        stdout=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


class TestAKilledSender:
    async def test_leaves_an_outcome_that_a_person_decides(
        self, notify: Notify, environment: Environment, channels: Path, hook: Webhook
    ) -> None:
        hook.open.clear()
        where = fact()
        incident = await notify.incident(where)
        message = await notify.requested(incident, where)
        with sender_process(environment, channels) as process:
            await until(lambda: _received(hook, 1), "the message is at the channel")
            process.send_signal(signal.SIGKILL)
        hook.open.set()
        assert (await notify.shown(message))["status"] == "started"

        notify.send()
        unknown = await notify.becomes(message, "outcome_unknown")
        assert (unknown["attempt"], unknown["due_at"], len(hook.received)) == (1, None, 1)
        found = {"delivered": False, "reason": "The chat does not show it."}
        await notify.give("carla", f"{message}/outcome", found)
        again = await notify.shown(message)
        assert (again["status"], again["note"]) == ("approved", found["reason"])
        assert again["next_commands"] == ["reject", "request_send"]
        await notify.give("colin", f"{message}/request")
        await notify.becomes(message, "communicated", attempt=2)
        assert len(hook.received) == 2

    async def test_finishes_what_is_under_way_when_it_is_asked_to_stop(
        self, notify: Notify, environment: Environment, channels: Path, hook: Webhook
    ) -> None:
        hook.open.clear()
        where = fact()
        incident = await notify.incident(where)
        message = await notify.requested(incident, where)
        with sender_process(environment, channels) as process:
            await until(lambda: _received(hook, 1), "the message is at the channel")
            process.send_signal(signal.SIGTERM)
            hook.open.set()
            assert await asyncio.to_thread(process.wait, 30) == 0
        assert (await notify.shown(message))["status"] == "communicated"


@pytest.fixture
async def other(
    notify: Notify, environment: Environment, channels: Path, speakers: dict[ServiceName, Process]
) -> AsyncIterator[Notify]:
    """A second replica on the same database."""
    async with replica(environment, channels, speakers) as other:
        yield other


class TestTwoReplicas:
    async def test_send_once(self, notify: Notify, other: Notify, hook: Webhook) -> None:
        where = fact()
        incident = await notify.incident(where)
        messages = [
            await notify.requested(incident, where, title=f"No. {number}") for number in range(12)
        ]
        notify.send()
        other.send()
        for message in messages:
            await notify.becomes(message, "communicated", attempt=1)
        assert sorted(hook.titles) == sorted(f"No. {number}" for number in range(12))

    async def test_send_once_when_both_believe_to_have_the_lease(
        self, notify: Notify, other: Notify, hook: Webhook
    ) -> None:
        where = fact()
        incident = await notify.incident(where)
        messages = [
            await notify.requested(incident, where, title=f"No. {number}") for number in range(6)
        ]
        one, two = Sender(notify.running), Sender(other.running)
        async with notify.running.read() as first, other.running.read() as second:
            await asyncio.gather(one.look(first), two.look(second))
            await asyncio.gather(one.finish(), two.finish())
        for message in messages:
            await notify.becomes(message, "communicated", attempt=1)
        assert sorted(hook.titles) == sorted(f"No. {number}" for number in range(6))

    async def test_the_one_that_loses_its_lease_still_says_what_came_of_its_sending(
        self, notify: Notify, other: Notify, hook: Webhook, environment: Environment
    ) -> None:
        hook.open.clear()
        where = fact()
        incident = await notify.incident(where)
        message = await notify.requested(incident, where)
        notify.send()
        await until(lambda: _received(hook, 1), "the message is at the channel")
        other.send()
        await _end_the_lease(environment)
        await notify.becomes(message, "outcome_unknown")
        hook.open.set()
        await notify.becomes(message, "communicated", attempt=1)
        assert len(hook.received) == 1


async def test_a_text_that_is_not_the_approved_one_is_not_sent(
    notify: Notify, hook: Webhook, environment: Environment
) -> None:
    where = fact()
    incident = await notify.incident(where)
    message = await notify.requested(incident, where)
    admin = await asyncpg.connect(environment.databases[ServiceName.NOTIFY].admin_dsn)
    other = json.dumps(["s" * 22, "text", "We confess."]).encode()
    await admin.execute(
        "UPDATE disclosure SET content = $1 WHERE digest = ANY(SELECT unnest(texts) "
        "FROM communication)",
        base64.urlsafe_b64encode(other).decode().rstrip("="),
    )
    await admin.close()
    notify.send()
    failed = await notify.becomes(message, "failed")
    assert (failed["note"], failed["due_at"], hook.received) == (
        "Not sent. The text at hand is not the text that was approved.",
        None,
        [],
    )


async def test_what_is_said_of_a_sending_holds_no_secret(notify: Notify, hook: Webhook) -> None:
    hook.answers += [500]
    where = fact()
    incident = await notify.incident(where)
    message = await notify.requested(incident, where)
    sender = notify.send()
    await notify.becomes(message, "communicated", attempt=2)
    assert not sender.done()
    events = (await notify.ask("ada", "GET", f"/incidents/{incident}/events?limit=200")).text
    assert "A roadmap" not in events
    assert "a-secret-path" not in events
    assert str(hook.port) not in (await notify.ask("ada", "GET", "/channels")).text


async def _received(hook: Webhook, count: int) -> bool:
    return len(hook.received) >= count


async def _end_the_lease(environment: Environment) -> None:
    database = environment.databases[ServiceName.NOTIFY]
    admin = await asyncpg.connect(database.admin_dsn)
    ended = await admin.fetch(
        """SELECT pg_terminate_backend(pid) FROM pg_locks
           JOIN pg_database ON pg_database.oid = pg_locks.database
           WHERE locktype = 'advisory' AND granted AND datname = $1""",
        database.name,
    )
    await admin.close()
    assert len(ended) == 1
