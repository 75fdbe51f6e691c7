"""Where the log lies, as the sealer relies on it: a folder, and an S3 server with conditional
writes."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from deploy.local.keys import Keys
from shared.runtime.process.lease import Fenced
from shared.seal.store import LogStore, StoreAway
from shared.seal.stores import open_store
from tests.integration.conftest import Environment
from tests.integration.review.chains import Voice
from tests.integration.review.seals import Reader, opened, put, sealing, until


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a prefix in an empty bucket."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="sealed-log")
    # The servers of one process share what they hold: each test has a prefix of its own.
    yield f"s3://sealed-log/{secrets.token_hex(6)}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LogStore:
    return open_store(
        str(tmp_path / "log") if request.param == "folder" else request.getfixturevalue("bucket")
    )


async def test_what_was_written_is_read(store: LogStore) -> None:
    assert await store.read("tile/0/000") is None
    await store.write([("tile/0/000", b"one"), ("tile/0/001.p/7", b"two"), ("tile/0/000", b"one")])
    assert (await store.read("tile/0/000"), await store.read("tile/0/001.p/7")) == (b"one", b"two")
    assert await store.read("tile/0/001.p") is None


async def test_only_who_saw_what_is_there_replaces_it(store: LogStore) -> None:
    await store.replace("checkpoint", None, b"first")
    with pytest.raises(Fenced):
        await store.replace("checkpoint", None, b"another first")
    await store.replace("checkpoint", b"first", b"second")
    with pytest.raises(Fenced):
        await store.replace("checkpoint", b"first", b"another second")
    assert await store.read("checkpoint") == b"second"


async def test_a_folder_is_taken_away_and_its_neighbours_stay(store: LogStore) -> None:
    await store.write(
        [
            ("tile/0/000.p/1", b"1"),
            ("tile/0/000.p/2", b"2"),
            ("tile/0/000", b"full"),
            ("tile/0/001.p/1", b"1"),
        ]
    )
    await store.discard("tile/0/000.p")
    await store.discard("tile/0/000.p")
    found = [
        await store.read(f"tile/0/{name}") for name in ("000.p/1", "000.p/2", "000", "001.p/1")
    ]
    assert found == [None, None, b"full", b"1"]


async def test_a_store_that_is_away_says_so(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreAway):
        await open_store("s3://no-such-bucket/log").write([("tile/0/000", b"one")])


def test_other_addresses_are_refused() -> None:
    with pytest.raises(ValueError, match="s3://"):
        open_store("https://example.com/log")


async def test_a_log_is_sealed_on_s3(
    bucket: str, environment: Environment, keys: Keys, tmp_path: Path
) -> None:
    voice = Voice(keys)
    async with opened(environment, LEDGER_LOG_STORE=bucket) as desk:
        client = boto3.client("s3", region_name="us-east-1")

        def copied() -> Reader:
            prefix = bucket.removeprefix("s3://sealed-log/")
            for entry in client.list_objects_v2(Bucket="sealed-log", Prefix=prefix).get(
                "Contents", []
            ):
                file = tmp_path / "copy" / entry["Key"].removeprefix(f"{prefix}/")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(
                    client.get_object(Bucket="sealed-log", Key=entry["Key"])["Body"].read()
                )
            return Reader(tmp_path / "copy", desk.vkey)

        async def published(size: int) -> bool:
            (row,) = await desk.query("SELECT published_size FROM log_state")
            return bool(row["published_size"] == size)

        for _ in range(2):
            async with sealing(desk.sealer()):
                said = voice.say(300)
                await put(environment, said)
                await until(lambda: published(voice.said), "sealed")
        assert len(copied().leaves()) == 600
