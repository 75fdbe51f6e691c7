"""Deadlocks by order are ruled out by structure: one function locks chains, in one order."""

import re
from typing import Final

import pytest

from tests.architecture.figures import Source, sources

HOME: Final = "shared/runtime/say/tables.py"
LOCKS_A_CHAIN: Final = re.compile(
    r"\bFROM\s+(?:ONLY\s+)?chain\b(?:(?!;|\"\"\"|\"\s*[,)]).)*?\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b",
    re.DOTALL | re.IGNORECASE,
)


def chain_locks(source: Source) -> list[str]:
    """The statements of a module that lock rows of `chain`."""
    return LOCKS_A_CHAIN.findall(source.text)


def test_one_function_alone_locks_chains() -> None:
    found = {
        one.path: len(locks)
        for one in sources("services", "shared", "deploy")
        if (locks := chain_locks(one))
    }
    assert found == {HOME: 1}


def test_that_lock_is_taken_by_service_and_partition() -> None:
    (home,) = (one for one in sources("shared") if one.path == HOME)
    (statement,) = chain_locks(home)
    assert re.search(r"ORDER\s+BY\s+service,\s+partition\s+FOR\s+UPDATE$", statement)


@pytest.mark.parametrize(
    "text",
    [
        'fetch("SELECT FROM chain WHERE service = $1 ORDER BY partition FOR UPDATE", service)',
        'fetch("select * from chain for update")',
        'fetch(\n    """SELECT sequence FROM chain JOIN relay_cursor USING (partition)\n       '
        'FOR NO KEY UPDATE OF chain""")',
    ],
)
def test_a_lock_by_hand_would_be_found(text: str) -> None:
    assert chain_locks(Source("anywhere.py", text))


@pytest.mark.parametrize(
    "text",
    [
        'fetch("SELECT FROM log_offset ORDER BY partition FOR UPDATE")',
        'fetch("SELECT sequence FROM chain WHERE service = $1")\nfetch("SELECT epoch FROM '
        'log_state FOR UPDATE")',
    ],
)
def test_another_tables_lock_is_not_taken_for_one(text: str) -> None:
    assert not chain_locks(Source("anywhere.py", text))
