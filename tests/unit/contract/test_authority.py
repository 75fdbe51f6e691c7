"""The table of authority: how it is asked, and what it never gives away."""

import pytest

from shared.contract.authority import AUTHORITY, CAPACITIES, Role, command_name, who_may


class RecordFact:
    """Stands for a command of that name."""


class Assess:
    """Of one word."""


class NobodyMayDoThis:
    """In no row."""


@pytest.mark.parametrize(
    ("command", "name"),
    [(RecordFact, "record_fact"), (Assess, "assess"), (NobodyMayDoThis, "nobody_may_do_this")],
)
def test_a_command_is_called_by_its_words(command: type, name: str) -> None:
    assert command_name(command) == name


def test_the_table_is_asked_by_command_or_by_name() -> None:
    assert who_may(RecordFact) == who_may("record_fact")
    assert who_may(Assess) == (Role.RESPONDER, Role.LEAD)


def test_roles_come_in_the_order_of_the_enum() -> None:
    for name in {name for names in AUTHORITY.values() for name in names}:
        found = who_may(name)
        assert list(found) == [role for role in Role if role in found]


@pytest.mark.parametrize("doing", [NobodyMayDoThis, "start_send", "", "RecordFact"])
def test_what_is_in_no_row_is_an_error_and_not_an_empty_answer(doing: str | type) -> None:
    with pytest.raises(LookupError, match="in no row"):
        who_may(doing)


@pytest.mark.parametrize(
    ("role", "never"),
    [
        (Role.SOURCE, {"read_incident", "read_log", "assess"}),
        (Role.RESPONDER, {"authorise_action", "break_glass", "give_legal_view", "publish"}),
        (Role.LEAD, {"give_legal_view", "approve_as_legal", "read_reporter"}),
        (Role.LEGAL, {"authorise_action", "break_glass", "assess"}),
        (Role.COMMUNICATIONS, {"approve_as_legal", "assess", "authorise_action"}),
        (Role.AUDITOR, {"report", "record_fact", "read_reporter"}),
        (Role.REVIEWER, {"carry_out", "authorise_action", "read_reporter"}),
    ],
)
def test_powers_that_are_kept_apart(role: Role, never: set[str]) -> None:
    assert AUTHORITY[role] & never == set()


def test_an_auditor_only_reads() -> None:
    assert AUTHORITY[Role.AUDITOR] <= set(CAPACITIES)


def test_an_admin_has_no_part_in_incidents() -> None:
    assert AUTHORITY[Role.ADMIN] == frozenset()


def test_what_legal_alone_may_say_is_said_by_nobody_else() -> None:
    assert who_may("give_legal_view") == who_may("approve_as_legal") == (Role.LEGAL,)
