"""A service's database: its roles, its creation, and its migrations.

Migrations are plain SQL files, forward only: the runtime's (`shared/runtime/migrations`), then the
service's own (`services/<service>/migrations`). Alembic runs them and keeps `schema_version`; it
gets them as two linear histories, one for each folder, so that a later file of the runtime is
applied even if files of the service came after the earlier ones. `{service}` in a file stands for
the service's name. Each file is one transaction. A file that was applied must never change."""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import psycopg
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, NullPool, create_engine, text

from shared.contract.vocabulary import ServiceName

FILE_NAME: Final = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")
AUDITOR: Final = "ledger_auditor"
LOCK: Final = 0x1ED6E2
"""Advisory lock: one migration at a time on a database, one creation of roles at a time on a
server."""

DIGESTS: Final = """CREATE TABLE IF NOT EXISTS schema_digest (
    version_num text PRIMARY KEY,
    file        text NOT NULL,
    sha256      text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
)"""


class SchemaError(ValueError):
    """The schema cannot be migrated; the message says what to put right."""


@dataclass(frozen=True, slots=True)
class Database:
    """One service's database on a server, and the passwords of its three roles."""

    service: ServiceName
    admin_dsn: str
    owner_password: str
    service_password: str
    auditor_password: str
    name: str = ""

    @property
    def database(self) -> str:
        return self.name or f"incident_{self.service}"

    @property
    def owner(self) -> str:
        return f"{self.service}_owner"

    @property
    def login(self) -> str:
        return f"{self.service}_service"

    def roles(self) -> dict[str, str]:
        return {
            self.owner: self.owner_password,
            self.login: self.service_password,
            AUDITOR: self.auditor_password,
        }

    def dsn(self, role: str) -> str:
        """The DSN of one of its roles, at the administrator's address."""
        return make_conninfo(
            self.admin_dsn, user=role, password=self.roles()[role], dbname=self.database
        )


@dataclass(frozen=True, slots=True)
class Migration:
    path: Path
    revision: str
    sql: str

    @property
    def name(self) -> str:
        return f"{self.revision.rpartition('_')[0]}/{self.path.name}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def folders(service: ServiceName) -> tuple[tuple[str, Path], ...]:
    return (
        ("runtime", Path(str(files("shared.runtime") / "migrations"))),
        (service.value, Path(str(files("services") / service.value / "migrations"))),
    )


def migrations(
    service: ServiceName, where: Iterable[tuple[str, Path]] | None = None
) -> list[Migration]:
    """All migrations of a service, in the order in which a new database gets them. Raises
    SchemaError."""
    found = []
    for branch, folder in where or folders(service):
        taken = set()
        for path in sorted(folder.glob("*.sql")):
            match = FILE_NAME.fullmatch(path.name)
            if match is None or match["number"] in taken:
                raise SchemaError(
                    f"{path}: a migration is named NNNN_what_it_does.sql, each number once"
                )
            taken.add(match["number"])
            found.append(
                Migration(path, f"{branch}_{match['number']}", path.read_text(encoding="utf-8"))
            )
    return found


def create(database: Database) -> list[str]:
    """Creates the roles and the database if they are missing, and names those it created. Existing
    roles keep their passwords."""
    made = []
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        for role, password in database.roles().items():
            if admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                _create_role(admin, role, password)
                made.append(f"role {role}")
        known = admin.execute(
            "SELECT FROM pg_database WHERE datname = %s", [database.database]
        ).fetchone()
        if known is None:
            _create_database(admin, database)
            made.append(f"database {database.database}")
    return made


def _create_role(admin: psycopg.Connection[Any], role: str, password: str) -> None:
    # Hashed here, so that the password itself appears in no statement and no log.
    verifier = admin.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode("ascii")
    statement = (
        "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
        "PASSWORD {}"
    )
    admin.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(verifier)))


def _create_database(admin: psycopg.Connection[Any], database: Database) -> None:
    name, owner = sql.Identifier(database.database), sql.Identifier(database.owner)
    row = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row is not None and not row[0]:
        # An administrator that is not a superuser can give a database only to a role of which it
        # is a member.
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
            name, owner
        )
    )
    close_to_public(admin, database)


def close_to_public(admin: psycopg.Connection[Any], database: Database) -> None:
    """Only the service and the auditor may connect."""
    name = sql.Identifier(database.database)
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for role in (database.login, AUDITOR):
        admin.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(role))
        )


def migrate(database: Database, known: list[Migration] | None = None) -> list[str]:
    """Applies, as the owner, the migrations that are not applied yet, and returns their names.
    Raises SchemaError."""
    known = migrations(database.service) if known is None else known
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(database.dsn(database.owner)),
        poolclass=NullPool,
    )
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK}
        )  # goes with the connection
        connection.execute(text(DIGESTS))
        connection.commit()
        applied = _applied(connection)
        _refuse_changes(applied, known)
        pending = [migration for migration in known if migration.revision not in applied]
        if pending:
            context = MigrationContext.configure(
                connection, opts=_options(known, pending, database.service)
            )
            context.run_migrations(context=context)
    return [migration.name for migration in pending]


def as_sql(service: ServiceName) -> str:
    """The statements that `migrate` would run on an empty database, for running them by hand as
    the owner."""
    known, output = migrations(service), io.StringIO()
    opts = _options(known, known, service) | {"as_sql": True, "output_buffer": output}
    context = MigrationContext.configure(dialect_name="postgresql", opts=opts)
    context.impl.static_output(f"{DIGESTS};")
    context.run_migrations(context=context)
    return output.getvalue()


def _applied(connection: Connection) -> dict[str, tuple[str, str]]:
    rows = connection.execute(text("SELECT version_num, file, sha256 FROM schema_digest")).all()
    connection.commit()
    return {row.version_num: (row.file, row.sha256) for row in rows}


def _refuse_changes(applied: dict[str, tuple[str, str]], known: list[Migration]) -> None:
    by_revision = {migration.revision: migration for migration in known}
    for revision, (file, digest) in applied.items():
        if (migration := by_revision.get(revision)) is None:
            raise SchemaError(
                f"the database has {file}, which this version of the software does not know; "
                "use the newer version"
            )
        if migration.digest != digest:
            raise SchemaError(
                f"{migration.path} is not what was applied as {file}; an applied migration never "
                "changes: put it back, and write the change as a new file"
            )


def _options(
    known: list[Migration], pending: list[Migration], service: ServiceName
) -> dict[str, Any]:
    scripts = ScriptDirectory(known[0].path.parent)
    scripts.revision_map = RevisionMap(lambda: _scripts(known, service))
    steps = [
        MigrationStep.upgrade_from_script(
            scripts.revision_map, scripts.get_revision(migration.revision)
        )
        for migration in pending
    ]
    return {
        "script": scripts,
        "fn": lambda _heads, _context: steps,
        "version_table": "schema_version",
        "transaction_per_migration": True,
    }


def _scripts(known: list[Migration], service: ServiceName) -> Iterator[Script]:
    """One Alembic script for each file, following the one before it in the same folder."""
    before: dict[Path, str] = {}
    for migration in known:
        module = ModuleType(migration.revision, migration.name)
        module.revision = migration.revision  # type: ignore[attr-defined]
        module.down_revision = before.get(migration.path.parent)  # type: ignore[attr-defined]
        module.upgrade = _upgrade(migration, service)  # type: ignore[attr-defined]
        before[migration.path.parent] = migration.revision
        yield Script(module, migration.revision, str(migration.path))


def _upgrade(migration: Migration, service: ServiceName) -> Any:
    def upgrade(context: MigrationContext) -> None:
        note = sql.SQL(
            "INSERT INTO schema_digest (version_num, file, sha256) VALUES ({}, {}, {})"
        ).format(migration.revision, migration.name, migration.digest)
        for statement in (migration.sql.replace("{service}", service.value), note.as_string()):
            if context.as_sql:
                context.impl.static_output(statement.rstrip().rstrip(";") + ";")
            else:
                assert context.connection is not None
                # Without parameters the driver sends the file as it is, with all its statements.
                context.connection.exec_driver_sql(
                    statement, execution_options={"no_parameters": True}
                )

    return upgrade
