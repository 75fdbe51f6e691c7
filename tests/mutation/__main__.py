"""Reads the mutants that `mutmut run` tried: prints the figures by module, and ends with 1 when a
survivor has no explanation, when too many survive, or when some were not tried."""

import argparse
import fnmatch
import subprocess
import sys
from pathlib import Path

from tests.mutation.explained import EXPLAINED
from tests.mutation.reading import (
    ALIVE,
    DEAD,
    MOST_SURVIVORS,
    figures,
    outlived,
    results,
    unexplained,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("names", nargs="*", help="which mutants, as for mutmut run; else all")
    names = parser.parse_args().names
    mutants = [
        mutant
        for mutant in results(_mutmut("results", "--all", "true"))
        if not names or any(fnmatch.fnmatch(mutant.name, name) for name in names)
    ]
    alive = [mutant for mutant in mutants if mutant.status in ALIVE]
    untried = [mutant for mutant in mutants if mutant.status not in ALIVE | DEAD]
    diffs = {mutant: _mutmut("show", mutant.name) for mutant in alive}
    bare = unexplained(diffs, EXPLAINED)

    print(figures(mutants))
    for mutant in bare:
        print(f"\nsurvived, and nothing explains it: {diffs[mutant]}")
    if not names:
        for row in outlived(diffs, EXPLAINED):
            print(f"\nno longer survives; take it out of the table: {row.function}: {row.change}")
    if untried:
        print(f"\nnot tried: {len(untried)}, the first of them {untried[0].name}")
    too_many = len(alive) > MOST_SURVIVORS * len(mutants)
    if too_many:
        print(f"\n{len(alive)} of {len(mutants)} survived; {MOST_SURVIVORS:.0%} may.")
    return 1 if bare or too_many or untried or not mutants else 0


def _mutmut(*arguments: str) -> str:
    program = Path(sys.executable).with_name("mutmut")
    return subprocess.run(
        [program, *arguments], check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
