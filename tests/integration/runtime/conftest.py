"""Events carry the trace in which they were said: these tests need the real tracer."""

import pytest

from shared.contract.vocabulary import ServiceName
from shared.runtime.process import telemetry


@pytest.fixture(scope="session", autouse=True)
def _traced() -> None:
    telemetry.configure(ServiceName.INTAKE)
