"""Which key is in force at which number, what a chain teaches of its keys, and why a signature does
not count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.trust import BadTrustFile, Trust, TrustedKey, parse
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event
from shared.contract.hashing import signed_bytes
from shared.contract.topics import PARTITIONS, system_subject
from shared.contract.vocabulary import ServiceName
from shared.tlog.keys import Signer
from tests.unit.audit.world import INTAKE, KEYS, TRIAGE, TRUST, Ledger, incident_number, report

SIGNERS = [Signer(f"key/{number}", bytes([100 + number]) * 32) for number in range(6)]
VKEY = KEYS[INTAKE].vkey


def key(first: int, number: int, partition: int = 0) -> TrustedKey:
    return TrustedKey(INTAKE, partition, first, SIGNERS[number].verifier)


def rotation(sequence: int, vkey: str, partition: int = 0) -> Event:
    """Intake's word, at this number of its chain, that the next number is signed with that key."""
    said = Ledger().say(INTAKE, system_subject(partition), KeyRotated(vkey=vkey), "service:intake")
    return said._replace(link=said.link._replace(sequence=sequence))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True), st.integers(1, 60))
def test_in_force_is_the_last_key_that_has_begun(firsts: list[int], sequence: int) -> None:
    trust = Trust(key(first, number) for number, first in enumerate(firsts))
    begun = [first for first in firsts if first <= sequence]
    expected = SIGNERS[firsts.index(max(begun))].verifier if begun else None
    assert trust.in_force(INTAKE, 0, sequence) == expected
    assert trust.first_sequences(INTAKE, 0) == tuple(sorted(firsts, reverse=True))


def test_a_key_is_of_one_chain_alone() -> None:
    trust = Trust([key(1, 0, partition=2)])
    assert trust.in_force(INTAKE, 2, 1) == SIGNERS[0].verifier
    assert trust.in_force(INTAKE, 3, 1) is None
    assert trust.in_force(TRIAGE, 2, 1) is None
    assert trust.first_sequences(TRIAGE, 2) == ()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True).map(sorted))
def test_each_rotation_takes_over_at_the_number_after_it(sequences: list[int]) -> None:
    trust = Trust([key(1, 0)])
    for number, sequence in enumerate(sequences, 1):
        trust.learn(rotation(sequence, SIGNERS[number].vkey))
        assert trust.rotated(INTAKE, 0) == sequence
    for sequence in range(1, 33):
        rotations_before = sum(one < sequence for one in sequences)
        assert trust.in_force(INTAKE, 0, sequence) == SIGNERS[rotations_before].verifier


@pytest.mark.parametrize("sequence", [1, 8, 9])
def test_what_is_not_after_the_last_rotation_teaches_nothing(sequence: int) -> None:
    trust = Trust([key(1, 0)])
    trust.learn(rotation(9, SIGNERS[1].vkey))
    trust.learn(rotation(sequence, SIGNERS[2].vkey))
    assert SIGNERS[2].verifier not in {one.verifier for one in trust.keys}
    assert trust.rotated(INTAKE, 0) == 9


def test_a_rotation_to_what_is_no_key_is_noted_and_leaves_the_key_before_it_in_force() -> None:
    trust = Trust([key(1, 0)])
    trust.learn(rotation(4, "no+00000000+" + 44 * "A"))
    assert trust.rotated(INTAKE, 0) == 4
    assert trust.in_force(INTAKE, 0, 5) == SIGNERS[0].verifier


def test_what_is_no_rotation_teaches_nothing() -> None:
    assert TRUST.after(report(Ledger(), incident_number(1))) is TRUST
    assert TRUST.after() is TRUST


def test_what_is_learned_afterwards_does_not_reach_a_copy_nor_come_back_from_it() -> None:
    trust = Trust([key(1, 0)])
    before, after = trust.copy(), trust.after(rotation(3, SIGNERS[1].vkey))
    trust.learn(rotation(5, SIGNERS[2].vkey))
    assert before.in_force(INTAKE, 0, 6) == SIGNERS[0].verifier
    assert after.in_force(INTAKE, 0, 6) == SIGNERS[1].verifier
    assert trust.in_force(INTAKE, 0, 6) == SIGNERS[2].verifier
    assert [one.rotated(INTAKE, 0) for one in (before, after, trust)] == [0, 3, 5]


class TestARefusal:
    said = report(Ledger(), incident_number(1))
    signature = KEYS[INTAKE].sign(signed_bytes(said.envelope))
    partition = said.link.partition

    def test_is_none_for_the_key_in_force(self) -> None:
        assert TRUST.refusal(self.said, self.signature) is None

    def test_says_for_which_number_no_key_is_trusted(self) -> None:
        assert Trust(()).refusal(self.said, self.signature) == (
            f"no key of intake is trusted for partition {self.partition} at 1"
        )

    def test_names_the_key_that_was_used_and_the_one_in_force(self) -> None:
        trust = Trust([key(1, 3, self.partition)])
        assert trust.refusal(self.said, self.signature) == (
            f"signed with key {self.said.keyid}, in force is {SIGNERS[3].key_id.hex()}"
        )

    @pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65)])
    def test_of_bytes_that_are_no_signature(self, signature: bytes) -> None:
        assert TRUST.refusal(self.said, signature) == "the signature does not verify"

    @given(st.integers(0, 511))
    def test_of_a_signature_with_one_bit_changed(self, bit: int) -> None:
        forged = bytearray(self.signature)
        forged[bit // 8] ^= 1 << bit % 8
        assert TRUST.refusal(self.said, bytes(forged)) == "the signature does not verify"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"intake * 1 {VKEY} more", "must be: <service>"),
        (f"intake * {VKEY}", "must be: <service>"),
        (f"payroll * 1 {VKEY}", "payroll"),
        (f"intake {PARTITIONS} 1 {VKEY}", "sequences count from 1, partitions from 0"),
        (f"intake * 0 {VKEY}", "sequences count from 1"),
        (f"intake * 01 {VKEY}", "decimal"),
        (f"intake -1 1 {VKEY}", "decimal"),
        (f"intake x 1 {VKEY}", "decimal"),
        (f"intake * 1 {VKEY[:-4]}", "key"),
    ],
)
def test_a_line_that_is_none_is_refused_by_its_number(line: str, why: str) -> None:
    with pytest.raises(BadTrustFile, match=rf"^trust file, line 3: .*{why}"):
        parse(f"# keys\n\n{line}\n")


def test_comments_blanks_and_a_star_mean_what_the_format_says() -> None:
    trust = parse(f"  # nothing\n\t intake\t*  1 {VKEY}  # all of them\r\n\ntriage 7 5 {VKEY}")
    assert {(one.service, one.partition, one.first_sequence) for one in trust.keys} == {
        *((ServiceName.INTAKE, partition, 1) for partition in range(PARTITIONS)),
        (ServiceName.TRIAGE, 7, 5),
    }
