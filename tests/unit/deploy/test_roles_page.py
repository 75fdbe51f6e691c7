"""The page of roles is the table of authority."""

from deploy.roles_page import PAGE, page
from shared.contract.authority import AUTHORITY, CAPACITIES, Role


def test_the_page_is_the_one_that_the_table_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m deploy.roles_page"


def test_every_name_of_the_table_has_a_row_with_a_mark_for_each_role_that_has_it() -> None:
    rows = [line.strip("| ").split("|") for line in page().splitlines() if line.startswith("|")]
    names = {name for names in AUTHORITY.values() for name in names}
    assert len(rows) == 2 + len(names)
    for name in names - set(CAPACITIES):
        (line,) = [one for one in page().splitlines() if one.startswith(f"| `{name}` |")]
        marks = [cell.strip() for cell in line.split("|")[2:-1]]
        assert [role for role, mark in zip(Role, marks, strict=True) if mark == "×"] == [
            role for role in Role if name in AUTHORITY[role]
        ]
