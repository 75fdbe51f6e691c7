"""The house in figures, measured from the source: what a newcomer has to hold in mind.

`python -m tests.architecture.figures` prints them, and what is over a limit; the test beside holds
them.
"""

import ast
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Final

ROOT: Final = Path(__file__).parents[2]
HOUSES: Final = ("services", "shared", "deploy")
CAMPAIGNS: Final = ("simulation", "chaos", "load", "bench")

FOLDER, FAN_OUT, CLASS, FUNCTION, MODULE, COLUMNS = 20, 8, 200, 40, 300, 100
"""Most modules in a folder, modules that a module imports (90th percentile), and lines."""
TESTS_TO_CODE: Final = 1.2
"""Lines of tests for each line of code, the campaigns left out."""


@dataclass(frozen=True, slots=True)
class Source:
    """A module as it is written."""

    path: str
    text: str

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def lines(self) -> list[str]:
        return _lines(self.text)

    @property
    def tree(self) -> ast.Module:
        return _tree(self.text)

    @property
    def length(self) -> int:
        """Lines that are not blank."""
        return sum(bool(line.strip()) for line in self.lines)


@cache
def _lines(text: str) -> list[str]:
    return text.split("\n")


@cache
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def sources(*tops: str) -> tuple[Source, ...]:
    """Every tracked module under these folders."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *(f"{top}/**.py" for top in tops)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [path for path in listed.stdout.split() if (ROOT / path).exists()]
    return tuple(Source(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths)


def modules() -> tuple[Source, ...]:
    return sources(*HOUSES)


def folders() -> Mapping[str, int]:
    """Modules by folder, `__init__` left out."""
    return Counter(
        str(Path(one.path).parent) for one in modules() if not one.path.endswith("/__init__.py")
    )


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Our modules that each of our modules imports, wherever in it, for types alone included."""
    known = {one.name for one in modules()}
    return {one.name: frozenset(_imported(one, known)) - {one.name} for one in modules()}


def _imported(source: Source, known: set[str]) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield from [one for one in (inner, node.module) if one in known][:1]


def fan_out() -> list[tuple[int, str]]:
    """How many of our modules each module imports: packages that only hold others do not count."""
    empty = {one.name for one in modules() if not one.length}
    return sorted((len(used - empty), name) for name, used in imports().items())


def percentile(figures: list[int], share: float) -> int:
    return sorted(figures)[min(len(figures) - 1, int(len(figures) * share))]


@cache
def spans(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> list[tuple[int, str]]:
    """Lines that are not blank of each class or function, with its place."""
    return sorted(
        (
            sum(bool(line.strip()) for line in one.lines[node.lineno - 1 : node.end_lineno]),
            f"{one.path}:{node.lineno} {node.name}",
        )  # type: ignore[attr-defined]
        for one in modules()
        for node in ast.walk(one.tree)
        if isinstance(node, kind)
    )


def classes() -> list[tuple[int, str]]:
    return spans(ast.ClassDef)


def functions() -> list[tuple[int, str]]:
    return spans((ast.FunctionDef, ast.AsyncFunctionDef))


def lengths() -> list[tuple[int, str]]:
    return sorted((one.length, one.path) for one in modules())


def wide_lines() -> list[str]:
    return [
        f"{one.path}:{number}"
        for one in sources(*HOUSES, "tests")
        for number, line in enumerate(one.lines, 1)
        if len(line) > COLUMNS
    ]


def circles() -> list[list[str]]:
    """Groups of modules that import each other, by Tarjan's strongly connected components."""
    graph, order, low, stack, found = imports(), {}, {}, [], []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in order:
            visit(node)
    return found


def tests_to_code() -> float:
    """Lines of tests for each line of code, without the campaigns."""
    tests = [one for one in sources("tests") if Path(one.path).parts[1] not in CAMPAIGNS]
    return sum(one.length for one in tests) / sum(one.length for one in modules())


def doubled_classes() -> Mapping[str, list[str]]:
    """Public classes of one name in several modules of shared, seal and deploy."""
    where: defaultdict[str, list[str]] = defaultdict(list)
    for one in modules():
        for node in one.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where[node.name].append(one.path)
    return {name: paths for name, paths in where.items() if len(paths) > 1}


def report() -> str:
    outs = [count for count, _ in fan_out()]
    rows = (
        ("largest folder", max(folders().values()), FOLDER),
        ("fan-out median", median(outs), ""),
        ("fan-out p90", percentile(outs, 0.9), FAN_OUT),
        ("biggest class", classes()[-1][0], CLASS),
        ("longest function", functions()[-1][0], FUNCTION),
        ("longest module", lengths()[-1][0], MODULE),
        ("circles", len(circles()), 0),
        ("lines wider than 100", len(wide_lines()), 0),
        ("tests to code", round(tests_to_code(), 2), TESTS_TO_CODE),
    )
    return "\n".join(f"{name:24} {value!s:>8}   limit {limit}" for name, value, limit in rows)


def over() -> list[str]:
    """Every place that is over its limit."""
    return [
        *(f"folder {name}: {count}" for name, count in folders().items() if count > FOLDER),
        *(f"class of {size} lines: {where}" for size, where in classes() if size > CLASS),
        *(f"function of {size} lines: {where}" for size, where in functions() if size > FUNCTION),
        *(f"module of {size} lines: {where}" for size, where in lengths() if size > MODULE),
        *(f"circle: {' '.join(group)}" for group in circles()),
    ]


if __name__ == "__main__":
    print(report(), *over(), sep="\n")
    print("fan-out over the limit:", *(f"  {n} {m}" for n, m in fan_out() if n > FAN_OUT), sep="\n")
    print("wide:", Counter(place.partition(":")[0] for place in wide_lines()).most_common(200))
    print(
        "doubled:",
        *(f"  {name}: {' '.join(paths)}" for name, paths in doubled_classes().items()),
        sep="\n",
    )
