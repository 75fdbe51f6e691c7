"""What mutmut says of a run, and what follows from it: figures by module, and the mutants that
survived without an explanation."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST_SURVIVORS: Final = 0.02
"""The share of mutants that may survive, explained ones included."""

DEAD: Final = frozenset({"killed", "timeout", "segfault", "caught by type check"})
ALIVE: Final = frozenset({"survived", "no tests"})
UNREACHABLE: Final = re.compile(r"-\s*case _:\n-\s*assert_never\(\w+(\.\w+)*\)")


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    status: str

    @property
    def module(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def function(self) -> str:
        """`module.function` or `module.Class.method`, out of the name that mutmut made of it."""
        mangled = re.sub(r"__mutmut_\d+$", "", self.name.rpartition(".")[2])
        plain = (
            ".".join(mangled.strip("xǁ").split("ǁ"))
            if mangled.startswith("xǁ")
            else mangled.removeprefix("x_")
        )
        return f"{self.module}.{plain}"


@dataclass(frozen=True, slots=True)
class Explained:
    """A mutant that no test need kill. `change` is what the mutant writes, or where it only takes
    away, what it takes; numbers of mutants move with every edit, so they name none."""

    function: str
    change: str
    why: str


def results(text: str) -> tuple[Mutant, ...]:
    """Every mutant in what `mutmut results --all true` prints."""
    lines = (line.strip().rpartition(": ") for line in text.splitlines())
    return tuple(Mutant(name, status) for name, colon, status in lines if colon)


def change_of(diff: str) -> str:
    """The changed lines of what `mutmut show` prints, as an explanation names them."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    changed = [line for line in lines if line.startswith("+")] or [
        line for line in lines if line.startswith("-")
    ]
    return "\n".join(line[1:].strip() for line in changed)


def is_unreachable(diff: str) -> bool:
    """Whether the mutant only takes an arm away that mypy has proved to be never reached."""
    taken = [line for line in diff.splitlines() if line.startswith("-") and line[1:2] != "-"]
    added = [line for line in diff.splitlines() if line.startswith("+") and line[1:2] != "+"]
    return not added and UNREACHABLE.fullmatch("\n".join(taken)) is not None


def unexplained(diffs: Mapping[Mutant, str], table: Sequence[Explained]) -> tuple[Mutant, ...]:
    """The survivors, by their diffs, that neither the table nor the type checker explains."""
    known = {(row.function, row.change) for row in table}
    return tuple(
        mutant
        for mutant, diff in diffs.items()
        if not is_unreachable(diff) and (mutant.function, change_of(diff)) not in known
    )


def outlived(diffs: Mapping[Mutant, str], table: Sequence[Explained]) -> tuple[Explained, ...]:
    """The explanations of mutants that survive no more."""
    seen = {(mutant.function, change_of(diff)) for mutant, diff in diffs.items()}
    return tuple(row for row in table if (row.function, row.change) not in seen)


def figures(mutants: Iterable[Mutant]) -> str:
    """A table by module: mutants, killed, survived, and the share that survived."""
    counts: dict[str, Counter[str]] = {}
    for mutant in mutants:
        counts.setdefault(mutant.module, Counter())[mutant.status] += 1
    rows = [(module, count) for module, count in sorted(counts.items())]
    rows.append(("all", sum(counts.values(), Counter())))
    lines = [f"{'module':<40} {'mutants':>7} {'killed':>7} {'survived':>8} {'share':>7}"]
    for module, count in rows:
        dead = sum(count[status] for status in DEAD)
        alive = sum(count[status] for status in ALIVE)
        share = alive / (dead + alive) if dead + alive else 0
        lines.append(f"{module:<40} {count.total():>7} {dead:>7} {alive:>8} {share:>7.1%}")
    return "\n".join(lines)
