"""What a run of mutmut is read to say."""

import pytest

from tests.mutation.explained import EXPLAINED
from tests.mutation.reading import (
    Explained,
    Mutant,
    change_of,
    figures,
    is_unreachable,
    outlived,
    results,
    unexplained,
)

PRINTED = """
    services.notify.domain.gates.x__facts__mutmut_3: survived
    services.notify.domain.gates.x__facts__mutmut_4: killed
    shared.chain.link.x_judge__mutmut_1: no tests
    shared.chain.link.x_judge__mutmut_2: timeout
"""
REPLACED = """# services.notify.domain.gates.x__facts__mutmut_3: survived
--- services/notify/domain/gates.py
+++ services/notify/domain/gates.py
@@ -1,3 +1,3 @@
 def _facts():
-    return one
+    return None
"""
TAKEN = """--- a.py
+++ a.py
@@ -1,4 +1,2 @@
     match command:
-        case _:
-            assert_never(command)
"""
FACTS = Mutant("services.notify.domain.gates.x__facts__mutmut_3", "survived")
EXPLAINS = Explained("services.notify.domain.gates._facts", "return None", "the same")


def test_every_mutant_is_read_with_what_became_of_it() -> None:
    assert results(PRINTED)[0] == FACTS
    assert [mutant.status for mutant in results(PRINTED)] == [
        "survived",
        "killed",
        "no tests",
        "timeout",
    ]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("a.b.x_decide__mutmut_12", "a.b.decide"),
        ("a.b.x__facts__mutmut_1", "a.b._facts"),
        ("a.b.xǁPlaceǁsays__mutmut_2", "a.b.Place.says"),
        ("a.b.xǁPlaceǁ__init____mutmut_2", "a.b.Place.__init__"),
    ],
)
def test_a_mutant_is_named_by_its_function(name: str, function: str) -> None:
    assert Mutant(name, "survived").function == function


def test_a_change_is_what_the_mutant_writes_or_else_what_it_takes_away() -> None:
    assert change_of(REPLACED) == "return None"
    assert change_of(TAKEN) == "case _:\nassert_never(command)"


def test_only_an_arm_that_is_never_reached_needs_no_explanation() -> None:
    assert is_unreachable(TAKEN)
    assert not is_unreachable(REPLACED)
    assert not is_unreachable(TAKEN.replace("-            assert", "+            assert"))
    assert not is_unreachable(TAKEN.replace("case _:", "case Approve():"))


def test_a_survivor_is_explained_by_function_and_change() -> None:
    assert unexplained({FACTS: REPLACED}, ()) == (FACTS,)
    assert unexplained({FACTS: REPLACED}, (EXPLAINS,)) == ()
    assert unexplained({FACTS: REPLACED.replace("None", "two")}, (EXPLAINS,)) == (FACTS,)


def test_an_explanation_of_what_was_killed_is_named() -> None:
    assert outlived({FACTS: REPLACED}, (EXPLAINS,)) == ()
    assert outlived({}, (EXPLAINS,)) == (EXPLAINS,)


def test_the_figures_count_untested_mutants_as_survivors() -> None:
    *modules, total = figures(results(PRINTED)).splitlines()[1:]
    assert [line.split() for line in modules] == [
        ["services.notify.domain.gates", "2", "1", "1", "50.0%"],
        ["shared.chain.link", "2", "1", "1", "50.0%"],
    ]
    assert total.split() == ["all", "4", "2", "2", "50.0%"]


def test_every_explanation_says_something() -> None:
    assert all(row.change and row.why.endswith(".") for row in EXPLAINED)
    assert len({(row.function, row.change) for row in EXPLAINED}) == len(EXPLAINED)
