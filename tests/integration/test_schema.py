"""Roles, databases and migrations, as `ledger migrate` makes them."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import WrongTopic, ensure_topic
from shared.runtime.repair import schema
from tests.integration.conftest import Databases, described
from tests.integration.servers import Servers, free_port

TRIAGE, INTAKE = ServiceName.TRIAGE, ServiceName.INTAKE


@pytest.fixture
def empty(
    servers: Servers, templates: str, request: pytest.FixtureRequest
) -> Iterator[schema.Database]:
    """A database that has roles and nothing else."""
    database = described(servers.admin_dsn, TRIAGE, f"empty_{abs(hash(request.node.name)):x}")
    schema.create(database)
    yield database
    with psycopg.connect(servers.admin_dsn, autocommit=True) as admin:
        admin.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.database))
        )


def written(folder: Path, **sqls: str) -> list[schema.Migration]:
    folder.mkdir(exist_ok=True)
    for name, text in sqls.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text, encoding="utf-8")
    return schema.migrations(TRIAGE, [(folder.name, folder)])


def test_a_second_run_has_nothing_to_do(empty: schema.Database) -> None:
    assert schema.migrate(empty)
    assert schema.create(empty) == []
    assert schema.migrate(empty) == []


def test_a_file_with_many_statements_and_percent_signs_runs_whole(
    empty: schema.Database, tmp_path: Path
) -> None:
    text = (
        "CREATE TABLE a (x text DEFAULT '100% :sure');\nCREATE FUNCTION f() RETURNS text "
        "LANGUAGE sql AS $$ SELECT '%s; :x'; $$;\n"
    )
    text += "INSERT INTO a DEFAULT VALUES; GRANT SELECT ON a TO {service}_service;"
    assert schema.migrate(empty, written(tmp_path / "runtime", m0001_a=text)) == [
        "runtime/0001_a.sql"
    ]
    with psycopg.connect(empty.dsn(empty.login)) as connection:
        assert connection.execute("SELECT x, f() FROM a").fetchone() == ("100% :sure", "%s; :x")


def test_a_failing_file_leaves_nothing_and_keeps_what_came_before(
    empty: schema.Database, tmp_path: Path
) -> None:
    known = written(
        tmp_path / "runtime", m0001_a="CREATE TABLE a ();", m0002_b="CREATE TABLE b (); SELECT 1/0;"
    )
    with pytest.raises(Exception, match="division by zero"):
        schema.migrate(empty, known)
    with psycopg.connect(empty.dsn(empty.owner)) as connection:
        assert connection.execute(
            "SELECT to_regclass('a')::text, to_regclass('b')::text"
        ).fetchone() == ("a", None)
    written(tmp_path / "runtime", m0002_b="CREATE TABLE b ();")
    again = schema.migrations(TRIAGE, [("runtime", tmp_path / "runtime")])
    assert schema.migrate(empty, again) == ["runtime/0002_b.sql"]


def test_a_changed_file_is_refused_by_name(empty: schema.Database, tmp_path: Path) -> None:
    schema.migrate(empty, written(tmp_path / "runtime", m0001_a="CREATE TABLE a ();"))
    changed = written(tmp_path / "runtime", m0001_a="CREATE TABLE a (x int);")
    with pytest.raises(schema.SchemaError, match=r"0001_a\.sql is not what was applied"):
        schema.migrate(empty, changed)


def test_a_database_newer_than_the_software_is_refused(
    empty: schema.Database, tmp_path: Path
) -> None:
    known = written(
        tmp_path / "runtime", m0001_a="CREATE TABLE a ();", m0002_b="CREATE TABLE b ();"
    )
    schema.migrate(empty, known)
    with pytest.raises(schema.SchemaError, match="does not know"):
        schema.migrate(empty, known[:1])


def test_a_later_file_of_the_runtime_is_found_behind_the_services_own(
    empty: schema.Database, tmp_path: Path
) -> None:
    runtime, own = tmp_path / "runtime", tmp_path / "triage"
    known = [
        *written(runtime, m0001_a="CREATE TABLE a ();"),
        *written(own, m0001_v="CREATE TABLE v ();"),
    ]
    schema.migrate(empty, known)
    known = [*written(runtime, m0002_b="CREATE TABLE b ();"), *written(own)]
    assert schema.migrate(empty, known) == ["runtime/0002_b.sql"]
    assert schema.migrate(empty, known) == []


async def test_two_migrators_at_once_apply_each_file_once(empty: schema.Database) -> None:
    both = await asyncio.gather(*(asyncio.to_thread(schema.migrate, empty) for _ in range(2)))
    assert sorted(map(len, both)) == [0, len(schema.migrations(TRIAGE))]


def test_the_printed_sql_makes_the_same_tables(
    empty: schema.Database, databases: Databases
) -> None:
    with psycopg.connect(empty.dsn(empty.owner), autocommit=True) as connection:
        connection.execute(schema.as_sql(TRIAGE).encode())
    assert schema.migrate(empty) == []
    assert _columns(empty.dsn(empty.owner)) == _columns(databases[TRIAGE].owner_dsn)


def test_nobody_but_its_own_roles_connects(databases: Databases) -> None:
    foreign = databases[INTAKE].service_dsn.replace(databases[INTAKE].name, databases[TRIAGE].name)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(foreign)


def test_the_service_makes_no_tables_and_the_auditor_writes_nothing(databases: Databases) -> None:
    with (
        psycopg.connect(databases[TRIAGE].service_dsn) as service,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        service.execute("CREATE TABLE mine ()")
    with psycopg.connect(databases[TRIAGE].auditor_dsn) as auditor:
        assert auditor.execute("SELECT count(*) FROM ledger").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.execute("INSERT INTO relay_lease (epoch) VALUES (1)")


def test_an_administrator_need_not_be_a_superuser(servers: Servers, templates: str) -> None:
    with psycopg.connect(servers.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE dba LOGIN CREATEDB CREATEROLE PASSWORD 'dba'")
        admin.execute("GRANT triage_owner TO dba WITH ADMIN OPTION")
        dsn = psycopg.conninfo.make_conninfo(servers.admin_dsn, user="dba", password="dba")
        database = described(dsn, TRIAGE, "of_a_dba")
        assert schema.create(database) == ["database of_a_dba"]
        assert schema.migrate(database)
        admin.execute("DROP DATABASE of_a_dba")
        admin.execute("REVOKE triage_owner FROM dba CASCADE")
        admin.execute("DROP ROLE dba")


async def test_the_topic_is_made_once_and_another_shape_is_refused(
    kafka: dict[str, str], topic: str
) -> None:
    assert await ensure_topic(kafka, topic) is False
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    wrong = {
        f"{topic}-few": (PARTITIONS - 1, {"retention.ms": "-1"}),
        f"{topic}-short": (PARTITIONS, {"retention.ms": "5000"}),
    }
    await admin.create_topics(
        [NewTopic(name, count, 1, topic_configs=config) for name, (count, config) in wrong.items()]
    )
    for name, why in zip(wrong, ("7 partitions", "retention.ms=5000"), strict=True):
        with pytest.raises(WrongTopic, match=why):
            await ensure_topic(kafka, name)
    await admin.delete_topics(list(wrong))
    await admin.close()


def test_ledger_migrate_makes_it_all_from_the_environment(
    servers: Servers, templates: str, topic: str
) -> None:
    settings = {
        "LEDGER_ADMIN_DSN": servers.admin_dsn,
        "LEDGER_AUDITOR_PASSWORD": "auditor",
        "LEDGER_TRIAGE_OWNER_PASSWORD": "triage-owner",
        "LEDGER_TRIAGE_PASSWORD": "triage-service",
        "LEDGER_KAFKA_BOOTSTRAP": servers.bootstrap,
        "LEDGER_TOPIC": topic,
    }
    first, second = (migrate("triage", **settings) for _ in range(2))
    with psycopg.connect(servers.admin_dsn, autocommit=True) as admin:
        admin.execute("DROP DATABASE incident_triage")
    assert first.stdout.startswith(
        "incident_triage: database incident_triage, runtime/0001_ledger.sql"
    ), first
    assert second.stdout == f"incident_triage: nothing to do\ntopic {topic}: nothing to do\n"


def test_ledger_migrate_says_which_setting_is_missing() -> None:
    done = migrate()
    assert done.returncode == 1
    assert done.stderr == "LEDGER_ADMIN_DSN is not set; set it, or name a local stack with --data\n"


def test_ledger_migrate_says_that_postgres_is_away() -> None:
    passwords = [f"LEDGER_TRIAGE_{name}" for name in ("PASSWORD", "OWNER_PASSWORD")]
    settings = dict.fromkeys([*passwords, "LEDGER_AUDITOR_PASSWORD"], "x")
    done = migrate(
        "triage", LEDGER_ADMIN_DSN=f"postgresql://a:b@127.0.0.1:{free_port()}/c", **settings
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Postgres refuses: connection failed")
    assert done.stderr.count("\n") == 1


def migrate(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("ledger")), "migrate", *arguments]
    env = {"PATH": "/usr/bin:/bin", **settings}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def _columns(dsn: str) -> list[tuple[str, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "SELECT table_name, column_name, data_type, column_default FROM "
            "information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()
