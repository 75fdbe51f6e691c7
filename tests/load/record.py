"""Whether what was accepted is there: once in every service's ledger, and nothing beside it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from deploy.local.state import Stack
from shared.contract.vocabulary import ServiceName


@dataclass(frozen=True, slots=True)
class Held:
    """What a service's ledger has of the accepted reports."""

    lost: int
    doubled: int
    unasked: int
    """Reports that nobody was told are accepted, beyond those of which a caller never heard."""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.unasked)


def reported(stack: Stack, service: ServiceName) -> list[bytes]:
    """Hashes of all reports in a service's ledger."""
    with psycopg.connect(stack.services[service.value].auditor_dsn) as connection:
        rows = connection.execute(
            "SELECT hash FROM ledger WHERE type = 'incident.reported.v1'"
        ).fetchall()
    return [bytes(row[0]) for row in rows]


def held(
    stack: Stack, accepted: Iterable[bytes], known: int, unknown: int
) -> dict[ServiceName, Held]:
    """By service. `known` reports were there before; of `unknown` nobody knows whether they were
    accepted."""
    expected = Counter(accepted)
    found = {}
    for service in ServiceName:
        rows = Counter(reported(stack, service))
        found[service] = Held(
            lost=sum(1 for one in expected if one not in rows),
            doubled=sum(count - 1 for count in rows.values())
            + sum(count - 1 for count in expected.values()),
            unasked=max(0, rows.total() - known - expected.total() - unknown),
        )
    return found
