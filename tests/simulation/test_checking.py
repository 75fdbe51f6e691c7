"""The history checker by itself: each anomaly, and none on a history that is as it should be."""

from dataclasses import replace

import pytest

from tests.simulation.checking import Answer, Entry, History, Outcome, Texts, check


def said(
    number: int, *, version: int | None = None, hash_: bytes = b"", before: bytes = b""
) -> Entry:
    own, past = hash_ or bytes([number]) * 32, before or bytes([number - 1]) * 32
    return Entry(
        "intake", 0, number, own, past, "an incident", f"command {number}", version or number
    )


ONE, TWO, THREE = said(1), said(2), said(3)
ANSWERS = [
    Answer(entry.command or "", Outcome.ACCEPTED, 1, (entry.hash,)) for entry in (ONE, TWO, THREE)
]
GOOD = History(
    ANSWERS,
    {"intake": [ONE, TWO, THREE], "triage": [ONE, TWO, THREE]},
    {0: [ONE, TWO, ONE, TWO, THREE]},
    [ONE.hash, TWO.hash, THREE.hash],
)
OTHER = replace(TWO, hash=b"x" * 32)


def names(history: History) -> set[str]:
    return {anomaly.name for anomaly in check(history)}


TOLD = Texts(frozenset("abc"), frozenset("c"), {"a": set("abx"), "the topic": set("ab")})


def test_forged_texts_that_lie_about_are_no_anomaly() -> None:
    assert check(replace(GOOD, texts=TOLD)) == []


@pytest.mark.parametrize("place", ["a", "the topic"])
@pytest.mark.parametrize(("held", "found"), [("abc", "resurrected"), ("a", "lost")])
def test_texts_that_are_erased_or_lost_are_found_in_every_place(
    place: str, held: str, found: str
) -> None:
    texts = replace(TOLD, held={**TOLD.held, place: set(held)})
    (anomaly,) = check(replace(GOOD, texts=texts))
    assert (anomaly.name, anomaly.where) == (found, place)
    assert check(replace(GOOD, texts=texts, settled=False)) == []


def test_copies_on_the_topic_are_no_anomaly() -> None:
    assert check(GOOD) == []


@pytest.mark.parametrize(
    ("history", "anomaly"),
    [
        (replace(GOOD, ledgers={**GOOD.ledgers, "triage": [ONE, TWO]}), "lost"),
        (replace(GOOD, topic={0: [ONE, TWO]}), "lost"),
        (replace(GOOD, sealed=[ONE.hash, TWO.hash]), "lost"),
        (
            replace(GOOD, answers=[*ANSWERS, Answer("another", Outcome.ACCEPTED, 1, (b"y" * 32,))]),
            "lost",
        ),
        (replace(GOOD, answers=[Answer("command 1", Outcome.UNKNOWN, says=2)]), "lost"),
        (replace(GOOD, ledgers={**GOOD.ledgers, "triage": [ONE, TWO, TWO, THREE]}), "duplicated"),
        (replace(GOOD, sealed=[ONE.hash, TWO.hash, TWO.hash, THREE.hash]), "duplicated"),
        (
            replace(GOOD, ledgers={"intake": [ONE, TWO, replace(THREE, command="command 2")]}),
            "duplicated",
        ),
        (replace(GOOD, ledgers={**GOOD.ledgers, "triage": [TWO, ONE, THREE]}), "reordered"),
        (replace(GOOD, topic={0: [ONE, THREE, TWO]}), "reordered"),
        (
            replace(
                GOOD, answers=[Answer("command 2", Outcome.ACCEPTED, 1, (TWO.hash,), decided_on=0)]
            ),
            "reordered",
        ),
        (replace(GOOD, answers=[Answer("command 2", Outcome.REFUSED)]), "phantom"),
        (replace(GOOD, ledgers={"intake": [ONE], "triage": [ONE, TWO]}), "phantom"),
        (replace(GOOD, sealed=[*(GOOD.sealed or ()), b"z" * 32]), "phantom"),
        (replace(GOOD, ledgers={**GOOD.ledgers, "triage": [ONE, OTHER, THREE]}), "fork"),
        (replace(GOOD, topic={0: [ONE, OTHER, TWO, THREE]}), "fork"),
        (replace(GOOD, sealed_before=[[TWO.hash]]), "fork"),
        (replace(GOOD, ledgers={**GOOD.ledgers, "triage": [ONE, THREE]}), "hole"),
        (replace(GOOD, sealed=[ONE.hash, THREE.hash]), "hole"),
        (replace(GOOD, waiting={"triage": 1}), "waiting"),
    ],
)
def test_each_anomaly_is_found_by_its_name(history: History, anomaly: str) -> None:
    assert anomaly in names(history)


def test_what_is_on_its_way_is_not_lost() -> None:
    on_its_way = replace(
        GOOD, ledgers={**GOOD.ledgers, "triage": [ONE]}, topic={0: [ONE, TWO]}, sealed=[ONE.hash]
    )
    assert names(on_its_way) == {"lost"}
    assert names(replace(on_its_way, settled=False)) == set()
