"""The services as their `__main__` composes them: what the tests that ask the same of each of them
go through."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from shared.contract.vocabulary import ServiceName
from shared.runtime.service import Service

SERVICES: Final[tuple[Service[Any, Any, Any], ...]] = tuple(
    import_module(f"services.{name}.__main__").SERVICE
    for name in ServiceName
    if find_spec(f"services.{name}.__main__")
)
"""That none of the four is missing is the architecture tests' to say."""


def service_named(name: ServiceName) -> Service[Any, Any, Any]:
    return next(service for service in SERVICES if service.name is name)


def by_name(service: Service[Any, Any, Any]) -> str:
    return service.name.value
