"""Writes as parts of one statement: each with places of its own, equal ones as one, and none where
one would have to see another."""

import pytest

from shared.runtime.say.plan import Write
from shared.runtime.say.together import Together, repeated, together

INSERT = Write("INSERT INTO report (a, b, c) VALUES ($1, lower($2), 0)", (1, 2))
UPDATE = Write(
    """
    UPDATE incident SET stage = greatest(stage, $2) WHERE incident_id = $1""",
    (3, 4),
)
UPSERT = Write(
    """INSERT INTO incident (id, n) VALUES ($1, 1)
       ON CONFLICT (id) DO UPDATE SET n = incident.n + 1""",
    (5,),
)
TYPES = {INSERT.sql: ("int4", "text"), UPDATE.sql: ("uuid", "int2"), UPSERT.sql: ("uuid",)}


def parts(views: Together | None) -> str:
    assert views is not None
    return " ".join(views.parts.split())


def test_parts_have_places_behind_those_that_are_taken() -> None:
    views = together([[INSERT, UPDATE]], {}, taken=23)
    assert parts(views) == (
        "part_0 AS (INSERT INTO report (a, b, c) VALUES ($24, lower($25), 0)), "
        "part_1 AS ( UPDATE incident SET stage = greatest(stage, $27) WHERE incident_id = $26)"
    )
    assert views is not None
    assert views.args == (1, 2, 3, 4)


def test_equal_statements_take_columns() -> None:
    other = Write(INSERT.sql, (6, 7))
    views = together([[INSERT], [other]], TYPES, taken=1)
    assert parts(views) == (
        "part_0 AS (INSERT INTO report (a, b, c) SELECT given_1, lower(given_2), 0 "
        "FROM unnest($2::int4[], $3::text[]) AS given (given_1, given_2) )"
    )
    assert views is not None
    assert views.args == ([1, 6], [2, 7])


def test_an_update_takes_columns_too() -> None:
    views = together([[UPDATE], [Write(UPDATE.sql, (8, 9))]], TYPES, taken=0)
    assert parts(views) == (
        "part_0 AS (UPDATE incident SET stage = greatest(stage, given_2) "
        "FROM unnest($1::uuid[], $2::int2[]) AS given (given_1, given_2) "
        "WHERE incident_id = given_1)"
    )


def test_what_is_done_on_conflict_stays_behind() -> None:
    views = together([[UPSERT], [UPSERT]], TYPES, taken=0)
    assert parts(views) == (
        "part_0 AS (INSERT INTO incident (id, n) SELECT given_1, 1 "
        "FROM unnest($1::uuid[]) AS given (given_1) "
        "ON CONFLICT (id) DO UPDATE SET n = incident.n + 1)"
    )


def test_different_statements_of_different_subjects_stand_side_by_side() -> None:
    views = together([[UPDATE], [UPSERT]], TYPES, taken=0)
    assert views is not None
    assert views.args == (3, 4, 5)


def test_nothing_to_write_is_no_part() -> None:
    assert together([], {}, taken=23) == Together("", ())
    assert together([[], []], {}, taken=23) == Together("", ())


def test_what_is_repeated_is_named_once() -> None:
    assert repeated([[INSERT, UPDATE], [INSERT], [INSERT, UPSERT]]) == [INSERT.sql]


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param([[INSERT, INSERT]], id="one table twice: the second would not see the first"),
        pytest.param([[UPDATE, INSERT, UPSERT]], id="one table twice, not side by side"),
        pytest.param([[Write("LOCK TABLE disclosure")]], id="no change of rows"),
        pytest.param([[Write("WITH kept AS (SELECT 1) SELECT 1")]], id="parts of its own"),
        pytest.param([[Write("DELETE FROM a WHERE b = $1", (1,))]] * 2, id="neither of the shapes"),
        pytest.param(
            [[Write("UPDATE a SET b = c.d FROM c WHERE c.e = $1", (1,))]] * 2, id="reads a table"
        ),
    ],
)
def test_what_cannot_be_parts_of_one_statement(writes: list[list[Write]]) -> None:
    types = {write.sql: ("text",) for of_one in writes for write in of_one}
    assert together(writes, types, taken=0) is None


def test_many_rows_need_their_types() -> None:
    assert together([[INSERT], [INSERT]], {}, taken=0) is None
    assert together([[INSERT], [INSERT]], {INSERT.sql: None}, taken=0) is None
