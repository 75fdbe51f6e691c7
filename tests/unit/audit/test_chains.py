"""Each chain of a log read leaf by leaf: what breaks it, where it is found, and which signature
vouches for what."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.anchors import NAMES, Pins
from shared.audit.chains import ChainCheck, every_signature
from shared.audit.outcome import LogAudit
from shared.audit.words import compare_words, heads, stated
from shared.chain import keyfiles
from shared.chain.link import Head
from shared.chain.trust import Trust, parse
from shared.contract.envelope import Event
from shared.contract.hashing import event_hash, signed_bytes
from shared.contract.topics import PARTITIONS, partition_of
from shared.contract.vocabulary import ServiceName
from shared.tlog.keys import Signer
from tests.examples import examples
from tests.unit.audit.world import (
    INTAKE,
    KEYS,
    LOG,
    POLICY_TEXT,
    TRIAGE,
    TRUST,
    TRUST_TEXT,
    Ledger,
    incident_number,
    report,
    rotate,
    two_stories,
)

PARTITION: Final = partition_of(incident_number(1))
SAME: Final = [
    incident for incident in map(incident_number, range(200)) if partition_of(incident) == PARTITION
][:6]


def one_chain(count: int = 6) -> Ledger:
    """Intake's chain on one partition."""
    ledger = Ledger()
    for incident in SAME[:count]:
        report(ledger, incident)
    return ledger


LEDGER: Final = one_chain()
STORIES: Final = two_stories()


def checked(
    entries: Sequence[bytes],
    signatures: Sequence[bytes | None],
    trust: Trust = TRUST,
    marks: Mapping[tuple[ServiceName, int], Head] | None = None,
) -> ChainCheck:
    check = ChainCheck(trust, dict(enumerate(signatures)).get, marks or {})
    check.take(0, entries, [event_hash(entry) for entry in entries])
    check.finish()
    return check


def codes(entries: Sequence[bytes], signatures: Sequence[bytes | None]) -> list[tuple[str, str]]:
    return [(one.code, one.where) for one in checked(entries, signatures).findings]


def picked(*places: int) -> tuple[list[bytes], list[bytes]]:
    return [LEDGER.entries[at] for at in places], [LEDGER.signatures[at] for at in places]


def test_what_services_wrote_ends_at_their_heads_without_a_finding() -> None:
    check = checked(STORIES.entries, STORIES.signatures)
    assert check.findings == []
    reached = {place: head for place, head in heads(check.chains).items() if head.sequence}
    assert reached == STORIES.heads
    assert len(check.chains) == len(ServiceName) * PARTITIONS


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ((0, 1, 2, 3, 4, 5), []),
        ((0, 1, 2), []),
        ((1, 2), [("gap", "leaf 0")]),
        ((0, 1, 3, 4), [("gap", "leaf 2")]),
        ((0, 2, 1, 3), [("gap", "leaf 1"), ("broken_link", "leaf 2")]),
        ((0, 0, 1), [("broken_link", "leaf 1")]),
        ((0, 1, 2, 1, 3), [("broken_link", "leaf 3")]),
        ((0, 5), [("gap", "leaf 1")]),
    ],
)
def test_each_disorder_of_a_chain_is_found_at_its_leaf(
    places: tuple[int, ...], found: list[tuple[str, str]]
) -> None:
    have = codes(*picked(*places))
    assert have[: len(found)] == found
    assert bool(have) is bool(found)


@settings(max_examples=examples(100))
@given(st.lists(st.integers(0, 5), max_size=8))
def test_only_the_beginning_of_a_chain_in_its_order_is_clean(places: list[int]) -> None:
    assert (codes(*picked(*places)) == []) is (places == list(range(len(places))))


@pytest.mark.parametrize("missing", range(6))
def test_one_signature_on_the_last_event_vouches_for_all_before_it(missing: int) -> None:
    signatures: list[bytes | None] = [*LEDGER.signatures]
    signatures[missing] = None
    expected = [("signatures_missing", "leaf 5")] if missing == 5 else []
    assert codes(LEDGER.entries, signatures) == expected
    every = every_signature(0, LEDGER.entries, signatures.__getitem__, TRUST)
    assert [(one.code, one.where) for one in every] == [("signatures_missing", f"leaf {missing}")]


@pytest.mark.parametrize("forged", range(6))
def test_a_false_signature_is_found_where_it_vouches_or_where_all_are_read(forged: int) -> None:
    signatures = [*LEDGER.signatures]
    signatures[forged] = bytes(64)
    expected = [("untrusted", "leaf 5")] if forged == 5 else []
    assert codes(LEDGER.entries, signatures) == expected
    every = list(every_signature(0, LEDGER.entries, signatures.__getitem__, TRUST))
    assert [(one.code, one.where) for one in every] == [("untrusted", f"leaf {forged}")]
    assert every[0].detail == "the signature does not verify"
    assert every[0].event_id == LEDGER.events[forged].id


def test_what_is_no_envelope_is_malformed_at_its_leaf_and_breaks_nothing_else() -> None:
    entries = [*LEDGER.entries[:3], b"{}", *LEDGER.entries[3:]]
    signatures = [*LEDGER.signatures[:3], bytes(64), *LEDGER.signatures[3:]]
    assert codes(entries, signatures) == [("malformed", "leaf 3")]
    every = every_signature(10, entries, lambda at: signatures[at - 10], TRUST)
    assert [(one.code, one.where) for one in every] == [("malformed", "leaf 13")]


def changed(at: int, sign: Signer | None) -> tuple[list[bytes], list[bytes]]:
    """One event says something else, signed again or not."""
    entries, signatures = [*LEDGER.entries], [*LEDGER.signatures]
    entries[at] = entries[at].replace(b'"audience_tier":"D"', b'"audience_tier":"C"')
    if sign is not None:
        signatures[at] = sign.sign(signed_bytes(entries[at]))
    return entries, signatures


@pytest.mark.parametrize("at", range(5))
def test_a_changed_event_is_named_by_the_one_after_it(at: int) -> None:
    found = codes(*changed(at, None))
    assert ("broken_link", f"leaf {at + 1}") in found
    assert ("untrusted", f"leaf {at}") in found
    assert codes(*changed(at, KEYS[INTAKE])) == [("broken_link", f"leaf {at + 1}")]


def test_a_changed_last_event_is_named_by_its_signature() -> None:
    assert codes(*changed(5, None)) == [("untrusted", "leaf 5")]
    assert codes(*changed(5, KEYS[TRIAGE])) == [("untrusted", "leaf 5")]


@pytest.mark.parametrize("number", [1, 3, 6])
def test_the_hash_at_a_number_that_a_service_states_is_kept(number: int) -> None:
    check = checked(
        LEDGER.entries, LEDGER.signatures, marks={(INTAKE, PARTITION): Head(number, bytes(32))}
    )
    assert check.chains[INTAKE, PARTITION].marks == {number: LEDGER.events[number - 1].hash}
    assert check.findings == []


def test_the_old_key_vouches_up_to_the_rotation_and_the_new_one_after_it() -> None:
    ledger = one_chain(2)
    new = Signer(KEYS[INTAKE].name, bytes([66]) * 32)
    rotation: Event = rotate(ledger, INTAKE, PARTITION, new)
    for incident in SAME[2:5]:
        report(ledger, incident)
    check = checked(ledger.entries, ledger.signatures)
    assert check.findings == []
    last = check.chains[INTAKE, PARTITION].sequence
    assert check.trust.in_force(INTAKE, PARTITION, last) == new.verifier
    assert check.trust.rotated(INTAKE, PARTITION) == rotation.link.sequence
    at = ledger.events.index(rotation)
    forged = [*ledger.signatures]
    forged[at] = bytes(64)
    codes_ = {one.code for one in checked(ledger.entries, forged).findings}
    assert codes_ == {"untrusted"}


@pytest.mark.parametrize("forged", [None, *range(6)])
def test_a_key_of_the_trust_file_vouches_from_its_number_and_the_one_before_it_up_to_that(
    forged: int | None,
) -> None:
    new = Signer(KEYS[INTAKE].name, bytes([66]) * 32)
    trust = parse(f"{TRUST_TEXT}intake {PARTITION} 4 {new.vkey}\n")
    ledger = one_chain(3)
    ledger.keys[INTAKE] = new
    for incident in SAME[3:]:
        report(ledger, incident)
    signatures = [
        bytes(64) if at == forged else signature for at, signature in enumerate(ledger.signatures)
    ]
    found = [(one.code, one.where) for one in checked(ledger.entries, signatures, trust).findings]
    assert found == ([("untrusted", f"leaf {forged}")] if forged in {2, 5} else [])


# The services' own words beside it


def words(ledger: Ledger) -> dict[ServiceName, bytes | None]:
    return {service: ledger.chain_heads(service) for service in ServiceName}


def compared(ledger: Ledger, said: Mapping[ServiceName, bytes | None], upto: int) -> LogAudit:
    audit = LogAudit("a log")
    check = checked(ledger.entries[:upto], ledger.signatures[:upto], marks=stated(said))
    compare_words(said, check, audit)
    return audit


def test_a_word_agrees_with_what_is_sealed_or_says_how_far_the_log_is_behind() -> None:
    whole = compared(LEDGER, words(LEDGER), 6)
    assert (whole.findings, whole.behind, whole.unstated) == ([], [], False)
    assert set(whole.stated_at) == set(ServiceName)
    short = compared(LEDGER, words(LEDGER), 4)
    assert short.findings == []
    assert [(one.service, one.partition, one.first, one.last) for one in short.behind] == [
        (INTAKE, PARTITION, 5, 6)
    ]


def test_a_word_from_before_is_held_against_the_middle_of_its_chain() -> None:
    earlier = one_chain(3)
    assert compared(LEDGER, words(earlier), 6).findings == []
    other = Ledger()
    for incident in reversed(SAME[:3]):
        report(other, incident)
    (finding,) = compared(LEDGER, words(other), 6).findings
    assert (finding.code, finding.where) == ("statement_differs", f"intake/{PARTITION} number 3")


@pytest.mark.parametrize(
    ("note", "code"),
    [
        (lambda: None, "statement_missing"),
        (lambda: b"", "statement_rejected"),
        (lambda: LEDGER.chain_heads(TRIAGE), "statement_rejected"),
        (lambda: LEDGER.subject_head(INTAKE, SAME[0]), "statement_rejected"),
        (lambda: LEDGER.chain_heads(INTAKE)[:-9] + b"AAAAAAA=\n", "statement_rejected"),
    ],
    ids=["missing", "empty", "another's", "on an incident", "forged"],
)
def test_a_word_that_does_not_count_is_a_finding_of_its_file(
    note: Callable[[], bytes | None], code: str
) -> None:
    audit = compared(LEDGER, {**words(LEDGER), INTAKE: note()}, 6)
    assert [(one.code, one.where) for one in audit.findings] == [(code, "chains/intake")]
    assert INTAKE not in audit.stated_at


def test_no_word_at_all_is_said_and_is_no_finding() -> None:
    audit = compared(LEDGER, dict.fromkeys(ServiceName), 6)
    assert (audit.unstated, audit.findings, audit.stated_at) == (True, [], {})


# Whom to believe


FOUND: Final = dict(
    zip(NAMES, (f"{LOG.vkey}\n".encode(), TRUST_TEXT.encode(), POLICY_TEXT.encode()), strict=True)
)


def test_a_pin_comes_before_what_was_found_and_the_rest_is_missing() -> None:
    other = Signer("other.example/log", bytes([5]) * 32).verifier
    assert Pins().missing == NAMES
    assert Pins(other, TRUST).missing == ("policy",)
    assert Pins(other).anchors(FOUND).log == other
    assert Pins().anchors(FOUND).log == LOG.verifier
    assert Pins().anchors({**FOUND, "policy": None}).policy is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("log.vkey", "there is no log.vkey; name a file with --vkey"),
        ("trust", "there is no trust; name a file with --trust"),
    ],
)
def test_a_key_that_is_needed_is_asked_for_by_its_option(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        Pins().anchors({**FOUND, name: None})


def test_a_trust_file_with_fewer_keys_than_the_pin_is_not_foreign() -> None:
    pins = Pins(LOG.verifier, TRUST, keyfiles.witness_policy(POLICY_TEXT.encode()))
    fewer = "".join(TRUST_TEXT.splitlines(keepends=True)[:2]).encode()
    assert pins.foreign({**FOUND, "trust": fewer}) == ()
    assert pins.foreign(FOUND) == ()
    assert pins.foreign({}) == ()
    assert Pins().foreign(dict.fromkeys(NAMES, b"nonsense")) == ()
    assert pins.foreign(dict.fromkeys(NAMES, b"nonsense")) == NAMES
