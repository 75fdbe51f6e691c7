"""What every test of the house stands on."""

import gc
import os

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest.register_assert_rewrite("tests.unit.given")  # its assertions are every spec's

LONGEST_FIRST = (
    "tests/chaos/",
    "tests/integration/test_stack.py",
    "tests/e2e/",
    "tests/integration/",
)
"""What starts stacks, then what shares servers. The rest is short: at the end no worker has much
left when the other has nothing."""

# A machine that has other things to do makes no test fail: how long an example takes is no property
# of the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A mutant is run a thousand times over: few examples, always the same ones, and no search for the
# smallest that fails.
settings.register_profile(
    "mutation",
    settings.get_profile("house"),
    max_examples=15,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
# Before each commit (`make check`): the same properties, by fewer examples.
settings.register_profile("quick", settings.get_profile("house"), max_examples=20)
settings.load_profile("mutation" if "MUTANT_UNDER_TEST" in os.environ else "house")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes and long texts are often keys and signatures, made anew by each worker; and workers
    must name their tests alike."""
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 60) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """Thousands of tests live as long as the run: the garbage collector need not visit them."""
    gc.collect()
    gc.freeze()


def _turn(item: pytest.Item) -> int:
    long = [turn for turn, where in enumerate(LONGEST_FIRST) if item.nodeid.startswith(where)]
    return min(long, default=len(LONGEST_FIRST))
