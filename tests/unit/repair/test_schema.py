"""Migrations as files: their names, their order, and that an applied one never changes."""

import hashlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from shared.contract.vocabulary import ServiceName
from shared.runtime.repair import schema
from shared.runtime.repair.schema import AUDITOR, Database, Migration, SchemaError, migrations

Write = Callable[..., list[Migration]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files, named folder/file, and reads them as a service's migrations."""

    def files(**contents: str) -> list[Migration]:
        for name, text in contents.items():
            folder, _, file = name.partition("__")
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{file}.sql").write_text(text, encoding="utf-8")
        return migrations(
            ServiceName.TRIAGE, [("runtime", tmp_path / "runtime"), ("triage", tmp_path / "triage")]
        )

    return files


def applied(known: list[Migration]) -> dict[str, tuple[str, str]]:
    return {one.revision: (one.name, one.digest) for one in known}


def test_the_runtime_s_files_come_before_the_service_s_each_by_number(write: Write) -> None:
    known = write(
        triage__0001_views="", runtime__0002_more="", runtime__0001_ledger="", triage__0002_index=""
    )
    assert [one.revision for one in known] == [
        "runtime_0001",
        "runtime_0002",
        "triage_0001",
        "triage_0002",
    ]
    assert [one.name for one in known][:1] == ["runtime/0001_ledger.sql"]


@pytest.mark.parametrize(
    "name",
    ["1_ledger", "00001_ledger", "0001-ledger", "0001_Ledger", "0001_", "ledger", "0001_a b"],
)
def test_a_file_of_another_name_is_refused_by_path(write: Write, tmp_path: Path, name: str) -> None:
    with pytest.raises(SchemaError, match=r"NNNN_what_it_does\.sql") as refused:
        write(**{f"runtime__{name}": ""})
    assert str(tmp_path / "runtime" / f"{name}.sql") in str(refused.value)


def test_a_number_is_taken_once(write: Write) -> None:
    with pytest.raises(SchemaError, match="each number once"):
        write(runtime__0001_one="", runtime__0001_two="")


def test_the_two_folders_count_for_themselves(write: Write) -> None:
    known = write(runtime__0001_one="", triage__0001_one="")
    assert [one.revision for one in known] == ["runtime_0001", "triage_0001"]


def test_other_files_are_no_migrations(write: Write, tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "README.md").write_text("how to")
    assert [one.name for one in write(runtime__0001_one="")] == ["runtime/0001_one.sql"]


@pytest.mark.parametrize("text", ["", "SELECT 1;\n", "COMMENT ON TABLE t IS 'größer';"])
def test_a_digest_is_that_of_the_file_s_bytes(write: Write, text: str) -> None:
    (one,) = write(runtime__0001_one=text)
    assert one.digest == hashlib.sha256(text.encode()).hexdigest()
    assert one.digest == hashlib.sha256(one.path.read_bytes()).hexdigest()


def test_what_was_applied_as_it_stands_is_accepted(write: Write) -> None:
    known = write(runtime__0001_one="SELECT 1;", triage__0001_two="SELECT 2;")
    schema._refuse_changes(applied(known), known)
    schema._refuse_changes(applied(known[:1]), known)
    schema._refuse_changes({}, known)


@pytest.mark.parametrize("change", ["SELECT 1; ", "SELECT 1;\n", "SELECT  1;", "select 1;", ""])
def test_a_file_that_changed_after_it_was_applied_is_refused_with_the_remedy(
    write: Write, change: str
) -> None:
    before = applied(write(runtime__0001_one="SELECT 1;"))
    after = write(runtime__0001_one=change)
    with pytest.raises(SchemaError, match="put it back, and write the change as a new file") as no:
        schema._refuse_changes(before, after)
    assert str(after[0].path) in str(no.value)
    assert "runtime/0001_one.sql" in str(no.value)


def test_a_database_with_a_migration_that_is_unknown_here_is_refused(write: Write) -> None:
    known = write(runtime__0001_one="", triage__0001_two="")
    with pytest.raises(SchemaError, match=r"triage/0001_two\.sql.*use the newer version"):
        schema._refuse_changes(applied(known), known[:1])


def test_renaming_a_file_that_was_applied_changes_nothing(write: Write, tmp_path: Path) -> None:
    before = applied(write(runtime__0001_one="SELECT 1;"))
    (tmp_path / "runtime" / "0001_one.sql").unlink()
    schema._refuse_changes(before, write(runtime__0001_other="SELECT 1;"))


def test_each_folder_is_a_linear_history_of_its_own(write: Write) -> None:
    known = write(
        runtime__0001_a="", runtime__0002_b="", runtime__0003_c="", triage__0001_d="",
        triage__0002_e="",
    )  # fmt: skip
    scripts = list(schema._scripts(known, ServiceName.TRIAGE))
    assert [(one.revision, one.down_revision) for one in scripts] == [
        ("runtime_0001", None),
        ("runtime_0002", "runtime_0001"),
        ("runtime_0003", "runtime_0002"),
        ("triage_0001", None),
        ("triage_0002", "triage_0001"),
    ]


@pytest.mark.parametrize("service", ServiceName)
def test_every_service_s_own_migrations_are_readable_and_numbered_without_a_hole(
    service: ServiceName,
) -> None:
    known = migrations(service)
    for branch, folder in schema.folders(service):
        numbers = [int(one.revision.split("_")[1]) for one in known if one.path.parent == folder]
        assert numbers, branch
        assert numbers[0] == 1
        assert all(after == before + 1 for before, after in pairwise(numbers))
    assert len({one.revision for one in known}) == len(known)


@pytest.mark.parametrize("service", ServiceName)
def test_the_printed_statements_are_those_of_the_files_for_this_service(
    service: ServiceName,
) -> None:
    printed = schema.as_sql(service)
    assert schema.DIGESTS in printed
    assert "{service}" not in printed
    for one in migrations(service):
        assert printed.count(one.digest) == 1
        first = next(line for line in one.sql.splitlines() if line and not line.startswith("--"))
        assert first.replace("{service}", service.value) in printed
    positions = [printed.index(one.digest) for one in migrations(service)]
    assert positions == sorted(positions)


DATABASE = Database(
    ServiceName.TRIAGE,
    "postgresql://admin:secret@db.example:5433/postgres?sslmode=require",
    "of the owner",
    "of the service: '\\ @/",
    "of the auditor",
)


@pytest.mark.parametrize(
    ("role", "password"),
    [
        ("triage_owner", "of the owner"),
        ("triage_service", "of the service: '\\ @/"),
        (AUDITOR, "of the auditor"),
    ],
)
def test_each_role_connects_to_the_administrator_s_address_with_its_own_password(
    role: str, password: str
) -> None:
    dsn = conninfo_to_dict(DATABASE.dsn(role))
    assert dsn == {
        "host": "db.example",
        "port": "5433",
        "user": role,
        "password": password,
        "dbname": "incident_triage",
        "sslmode": "require",
    }


def test_a_database_may_have_another_name() -> None:
    named = Database(ServiceName.TRIAGE, "host=db.example", "o", "s", "a", name="of_my_own")
    assert named.database == "of_my_own"
    assert conninfo_to_dict(named.dsn(named.login))["dbname"] == "of_my_own"
    assert DATABASE.database == "incident_triage"
