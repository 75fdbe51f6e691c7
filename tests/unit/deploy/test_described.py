"""What a stack is to be before it runs, what its file keeps of it, and how it is found again."""

import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.broker import USER, Broker
from deploy.local.described import databases, describe, prepare
from deploy.local.errors import StackError
from deploy.local.folder import REMEDIES, explain
from deploy.local.keys import PASSWORDS, Keys, public_jwk
from deploy.local.ports import DEFAULT_BASE, HIGHEST, HOST, LOWEST, OFFSETS, Ports
from deploy.local.state import FILE, NoStack, Process, Stack, load, recorded
from shared.contract.topics import TOPIC
from shared.contract.vocabulary import ServiceName

OURS = Process.of(os.getpid())
ANOTHER = Process(pid=OURS.pid, created=OURS.created - 3600)
"""Our number, as another process had it an hour ago."""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return prepare(tmp_path, Ports(20_000))


def test_every_process_has_a_port_of_its_own() -> None:
    assert len(set(OFFSETS.values())) == len(OFFSETS)
    assert {"postgres", "kafka", *ServiceName, *(f"{one}-health" for one in ServiceName)} <= set(
        OFFSETS
    )


@given(st.integers(LOWEST, HIGHEST))
def test_every_base_in_the_range_gives_ports_that_are_some(base: int) -> None:
    ports = Ports(base)
    assert all(LOWEST <= ports[name] <= 65535 for name in OFFSETS)
    assert ports["postgres"] == base


def test_the_usual_base_has_room() -> None:
    assert LOWEST <= DEFAULT_BASE <= HIGHEST
    with pytest.raises(KeyError):
        _ = Ports(DEFAULT_BASE)["payroll"]


@pytest.mark.parametrize("name", ["kafka", "inbox", "review-health"])
def test_whichever_port_is_busy_is_named_with_the_way_out(name: str) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        ports = Ports(port - OFFSETS[name])
        with pytest.raises(StackError, match="or choose other ports with --port-base"):
            ports.require_free()
        assert ports[name] == port


class TestAStack:
    def test_has_its_addresses_on_this_machine_by_its_base(self, stack: Stack) -> None:
        ports = Ports(20_000)
        assert stack.postgres == f"{HOST}:{ports['postgres']}"
        assert stack.broker.bootstrap == f"{HOST}:{ports['kafka']}"
        assert stack.topic == TOPIC
        for service in ServiceName:
            local = stack.services[service.value]
            assert local.url == f"http://{HOST}:{ports[service]}"
            assert local.health_url == f"http://{HOST}:{ports[f'{service}-health']}"
            assert local.log == stack.data / "logs" / f"{service}.log"

    def test_gives_each_service_its_own_database_and_role(self, stack: Stack) -> None:
        passwords = stack.keys.passwords()
        for service in ServiceName:
            local = stack.services[service.value]
            end = f"@{HOST}:20000/incident_{service}"
            assert local.owner_dsn == (
                f"postgresql://{service}_owner:{passwords[f'{service}_owner']}{end}"
            )
            assert local.auditor_dsn.endswith(f":{passwords['auditor']}{end}")
            assert local.env["LEDGER_DATABASE_DSN"] == (
                f"postgresql://{service}_service:{passwords[f'{service}_service']}{end}"
            )

    def test_shows_no_secret_where_it_is_printed(self, stack: Stack) -> None:
        shown = f"{stack!r} {stack} {stack.broker!r}"
        for secret in stack.keys.passwords().values():
            assert secret not in shown

    def test_comes_back_whole_from_its_file_which_is_its_owners(self, stack: Stack) -> None:
        stack.save()
        assert recorded(stack.data) == load(stack.data) == stack
        assert (stack.data / FILE).stat().st_mode & 0o777 == 0o600
        stack.forget()
        assert recorded(stack.data) is None
        stack.forget()

    def test_is_described_the_same_from_the_same_keys(self, stack: Stack) -> None:
        again = describe(stack.data, Ports(20_000), Keys.of(stack.data))
        assert again.model_copy(update={"supervisor": stack.supervisor}) == stack

    def test_asks_for_one_database_a_service_with_all_its_passwords(self, stack: Stack) -> None:
        asked = databases(stack.admin_dsn, stack.keys)
        assert [one.service for one in asked] == list(ServiceName)
        assert len(set(stack.keys.passwords().values())) == len(PASSWORDS)


def test_where_no_stack_runs_the_way_to_start_one_is_told(tmp_path: Path) -> None:
    for data in (tmp_path, tmp_path / "nowhere", tmp_path / "file" / "below"):
        (tmp_path / "file").write_text("")
        with pytest.raises(NoStack, match="start one with: ledger up --detach --data"):
            load(data)


def test_a_stack_that_was_cut_off_is_told_from_one_that_runs(stack: Stack) -> None:
    stack.model_copy(update={"supervisor": ANOTHER}).save()
    assert recorded(stack.data) is not None
    with pytest.raises(NoStack, match="was cut off; start it again with"):
        load(stack.data)


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "null", '{"data": 7}'])
def test_a_damaged_file_is_named_with_what_to_do(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(StackError, match=r"stack\.json is damaged; end its processes"):
        recorded(tmp_path)


def test_a_process_is_told_by_its_start_and_waited_for_no_longer_than_asked() -> None:
    assert OURS.running() is not None
    assert OURS.gone(0) is False
    assert ANOTHER.running() is None
    assert ANOTHER.gone(0) is True
    assert Process(pid=2**22 + 1, created=0).gone(0) is True


@pytest.mark.parametrize("password", [None, "secret"])
def test_a_broker_gives_clients_and_services_the_same_credentials(password: str | None) -> None:
    broker = Broker("127.0.0.1:9092", password)
    client, env = broker.client(), broker.settings()
    assert client["bootstrap_servers"] == env["LEDGER_KAFKA_BOOTSTRAP"] == "127.0.0.1:9092"
    assert client.get("sasl_plain_password") == env.get("LEDGER_KAFKA_SASL_PASSWORD") == password
    assert client.get("sasl_plain_username") == (USER if password else None)
    assert "secret" not in repr(broker)


@pytest.mark.parametrize("number", REMEDIES, ids=os.strerror)
def test_an_error_of_the_system_is_one_line_of_place_reason_and_remedy(number: int) -> None:
    error = OSError(number, os.strerror(number), "/data/file")
    said = explain(error, "ask somebody")
    assert said == f"/data/file: {os.strerror(number).lower()}; {REMEDIES[number]}"


def test_an_error_without_a_remedy_of_its_own_gets_the_general_one() -> None:
    assert explain(OSError(), "ask somebody") == "oserror; ask somebody"
    assert explain(OSError(13, "Permission denied", b"/x\xff"), "ask") == (
        "/x\udcff: permission denied; ask"
    )


def test_the_inbox_follows_the_stack_and_other_channels_stay(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path)
    keys.make()
    for port in (20_003, 30_003):
        keys.lead_to_inbox(port)
        channels = json.loads(keys.channels.read_text())
        assert channels["webhook"]["url"] == f"http://127.0.0.1:{port}/inbox"
    for theirs in (
        {"webhook": {"url": "https://hooks.example/x"}},
        {"mail": {"url": "mailto://a@b.example"}},
    ):
        keys.channels.write_text(json.dumps(theirs))
        keys.lead_to_inbox(20_003)
        assert json.loads(keys.channels.read_text()) == theirs
    for odd in ("{", "[]", "7"):
        keys.channels.write_text(odd)
        keys.lead_to_inbox(20_003)
        assert keys.channels.read_text() == odd


def test_the_public_key_of_tokens_is_named_by_its_thumbprint(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path)
    keys.make()
    jwk = public_jwk(keys.token_key)
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert len(jwk["kid"]) == len(jwk["x"]) == 43
    assert "d" not in jwk
    assert public_jwk(keys.token_key) == jwk
