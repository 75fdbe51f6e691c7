"""What the stack of a data folder is to be: addresses, settings and databases."""

import os
from pathlib import Path

from deploy.local.broker import Broker
from deploy.local.environment import settings_of
from deploy.local.keys import Keys
from deploy.local.ports import HOST, Ports
from deploy.local.state import LocalService, Process, Stack
from shared.contract.topics import TOPIC
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair import schema

SUPERUSER = "postgres"


def prepare(data: Path, ports: Ports) -> Stack:
    """Makes what a stack needs before any of it runs, its keys and the folder of its logs; then
    the stack, described. Raises StackError."""
    keys = Keys.of(data)
    keys.make()
    keys.lead_to_inbox(ports["inbox"])
    (data / "logs").mkdir(mode=0o700, exist_ok=True)
    return describe(data, ports, keys)


def describe(data: Path, ports: Ports, keys: Keys) -> Stack:
    """The stack as `stack.json` keeps it, before any of it runs."""
    passwords = keys.passwords()

    def dsn(role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{passwords[password]}@{HOST}:{ports['postgres']}/{database}"

    broker = Broker(f"{HOST}:{ports['kafka']}", passwords["kafka"])
    services = {
        service.value: LocalService(
            url=f"http://{HOST}:{ports[service]}",
            env=settings_of(
                service,
                keys,
                dsn(f"{service}_service", f"{service}_service", f"incident_{service}"),
                broker,
                ports[service],
                health_port=ports[f"{service}-health"],
            ),
            auditor_dsn=dsn(schema.AUDITOR, "auditor", f"incident_{service}"),
            owner_dsn=dsn(f"{service}_owner", f"{service}_owner", f"incident_{service}"),
            log=data / "logs" / f"{service}.log",
        )
        for service in ServiceName
    }
    return Stack(
        data=data,
        port_base=ports.base,
        supervisor=Process.of(os.getpid()),
        services=services,
        admin_dsn=dsn(SUPERUSER, "postgres", "postgres"),
        kafka_bootstrap=broker.bootstrap,
        kafka_password=broker.password,
        topic=TOPIC,
        trust_file=keys.trust_file,
        log_vkey=keys.log_vkey,
        jwks_file=keys.jwks,
        token_key_file=keys.token_key,
    )


def databases(admin_dsn: str, keys: Keys) -> list[schema.Database]:
    """One for each service, with the passwords of its roles."""
    passwords = keys.passwords()
    return [
        schema.Database(
            service,
            admin_dsn,
            passwords[f"{service}_owner"],
            passwords[f"{service}_service"],
            passwords["auditor"],
        )
        for service in ServiceName
    ]
