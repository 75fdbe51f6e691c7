"""The numbers of chains, as the checks of a whole history count and print them."""

from typing import TypeAlias

from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

Chain: TypeAlias = tuple[ServiceName, int]
"""Service and partition."""
ChainNumber: TypeAlias = tuple[ServiceName, int, int]
"""Service, partition, sequence."""


def chain_number(event: Event) -> ChainNumber:
    return event.link.service, event.link.partition, event.link.sequence


def printed(number: ChainNumber) -> str:
    service, partition, sequence = number
    return f"{service}/{partition} number {sequence}"
