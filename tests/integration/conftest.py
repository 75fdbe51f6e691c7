"""What integration tests stand on: a real Postgres and Kafka per session, fresh databases and a
fresh topic per test."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from deploy.local.broker import Broker
from deploy.local.environment import settings_of
from deploy.local.keys import Keys
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import ensure_topic
from shared.runtime.repair import schema
from tests.integration import servers as servers_
from tests.integration.servers import Servers


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """A migrated, empty database of one service, and who may come in as what."""

    service: ServiceName
    name: str
    service_dsn: str
    owner_dsn: str
    auditor_dsn: str
    admin_dsn: str


@dataclass(slots=True)
class Databases:
    """Makes a fresh database of a service; the same one when asked again in the same test."""

    admin_dsn: str
    made: dict[ServiceName, FreshDatabase] = field(default_factory=dict)

    def __getitem__(self, service: ServiceName) -> FreshDatabase:
        if service not in self.made:
            self.made[service] = self._make(service)
        return self.made[service]

    def _make(self, service: ServiceName) -> FreshDatabase:
        database = described(self.admin_dsn, service, f"test_{service}_{secrets.token_hex(6)}")
        with psycopg.connect(self.admin_dsn, autocommit=True) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                    *map(sql.Identifier, (database.database, database.owner, template_of(service)))
                )
            )
            schema.close_to_public(admin, database)
        return FreshDatabase(
            service,
            database.database,
            url_of(database, database.login, database.service_password),
            url_of(database, database.owner, database.owner_password),
            url_of(database, schema.AUDITOR, database.auditor_password),
            self.admin_dsn.rpartition("/")[0] + f"/{database.database}",
        )

    def drop(self) -> None:
        with psycopg.connect(self.admin_dsn, autocommit=True) as admin:
            for database in self.made.values():
                admin.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
                )


def described(admin_dsn: str, service: ServiceName, name: str) -> schema.Database:
    """Roles belong to the whole server, so all databases of a service share them and their
    passwords."""
    return schema.Database(
        service, admin_dsn, f"{service}-owner", f"{service}-service", "auditor", name
    )


def template_of(service: ServiceName) -> str:
    return f"template_{service}"


def url_of(database: schema.Database, role: str, password: str) -> str:
    about = conninfo_to_dict(database.admin_dsn)
    return f"postgresql://{role}:{password}@{about['host']}:{about['port']}/{database.database}"


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """One Postgres and one Kafka for the session."""
    with servers_.shared() as servers:
        yield servers


@pytest.fixture(scope="session")
def templates(servers: Servers) -> str:
    """Every service's migrated template; the administrator's DSN."""
    with servers_.alone(servers_.session_folder()):
        make_templates(servers.admin_dsn)
    return servers.admin_dsn


def make_templates(admin_dsn: str) -> None:
    for service in ServiceName:
        database = described(admin_dsn, service, template_of(service))
        schema.create(database)
        schema.migrate(database)


@pytest.fixture
def databases(templates: str) -> Iterator[Databases]:
    """`databases[ServiceName.TRIAGE].service_dsn` and the like; gone after the test."""
    databases = Databases(templates)
    yield databases
    databases.drop()


@pytest.fixture
def kafka(servers: Servers) -> dict[str, str]:
    """What every aiokafka client takes to connect."""
    return {"bootstrap_servers": servers.bootstrap}


@pytest.fixture
async def topic(kafka: dict[str, str]) -> AsyncIterator[str]:
    """A fresh topic as `ledger migrate` makes it; gone after the test."""
    async with fresh_topic(kafka) as name:
        yield name


@contextlib.asynccontextmanager
async def fresh_topic(kafka: dict[str, str]) -> AsyncIterator[str]:
    name = f"test-{secrets.token_hex(6)}"
    await ensure_topic(kafka, name)
    yield name
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    await admin.delete_topics([name])
    await admin.close()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Signing keys of all services, their trust file, the token key and its JWKS."""
    keys = Keys.of(Path(tmp_path_factory.mktemp("keys")))
    keys.make()
    return keys


@dataclass(frozen=True, slots=True)
class Environment:
    """`environment.of(ServiceName.INTAKE)`: every LEDGER_* setting of a service on this test's
    databases and topic."""

    databases: Databases
    keys: Keys
    bootstrap: str
    topic: str
    folder: Path

    def of(self, service: ServiceName, port: int = 0) -> dict[str, str]:
        dsn = self.databases[service].service_dsn
        settings = settings_of(service, self.keys, dsn, Broker(self.bootstrap), port, self.topic)
        if service is ServiceName.REVIEW:
            settings["LEDGER_LOG_STORE"] = str(self.folder / "log")
        return settings


@pytest.fixture
def environment(
    databases: Databases, keys: Keys, servers: Servers, topic: str, tmp_path: Path
) -> Environment:
    return Environment(databases, keys, servers.bootstrap, topic, tmp_path)
