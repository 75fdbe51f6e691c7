"""Trust policies: the specification's example, each of its rules, and what a policy says of a
checkpoint."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.cosignature import Cosigner
from shared.tlog.errors import QuorumMissing, SignatureRejected, TlogError
from shared.tlog.keys import Signer
from shared.tlog.note import Signature, add_signatures, parse_note
from shared.tlog.policy import Policy
from tests.unit.tlog.given import HEAD, LOG, NOTE, OTHER, refuses_or_reads

NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
WITNESSES = {
    name: Cosigner(Signer(f"witness.example/{name}", name.encode() * 16)) for name in NAMES
}
SPEC_POLICY = f"""\
# an example\twith a comment
log {LOG.vkey}

witness X1 {WITNESSES["X1"].vkey}
witness X2 {WITNESSES["X2"].vkey} https://witness.example/x2
  witness\tX3 \t {WITNESSES["X3"].vkey}\t
group X-witnesses 2 X1 X2 X3

witness Y1 {WITNESSES["Y1"].vkey}
witness Y2 {WITNESSES["Y2"].vkey}
witness Y3 {WITNESSES["Y3"].vkey}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
\t # another comment
quorum X-and-Y
""".encode()
POLICY = Policy.parse(SPEC_POLICY)
X1, Y1 = (WITNESSES[name].vkey for name in ("X1", "Y1"))


def cosigned(*names: str) -> bytes:
    return add_signatures(
        HEAD.text,
        [*parse_note(NOTE)[1], *(WITNESSES[name].cosign(HEAD.text, 1000) for name in names)],
    )


def test_the_quorum_of_the_specification_s_example() -> None:
    for count in range(len(NAMES) + 1):
        for present in combinations(NAMES, count):
            xs = sum(name.startswith("X") for name in present)
            assert POLICY.is_quorum(present) == (xs >= 2 and len(present) - xs >= 1)


def test_group_names_and_strangers_do_not_stand_for_witnesses() -> None:
    assert not POLICY.is_quorum(["X-and-Y", "X-witnesses", "Y-witnesses", "Z1", "none"])


def test_urls_are_kept() -> None:
    assert [witness.url for witness in POLICY.witnesses][:3] == [
        None,
        "https://witness.example/x2",
        None,
    ]
    assert (
        Policy.parse(f"log {LOG.vkey} https://log.example\nquorum none\n".encode()).logs[0].url
        == "https://log.example"
    )


def test_a_checkpoint_is_judged_by_log_and_witnesses() -> None:
    judgement = POLICY.judge(cosigned("X1", "Y2"))
    assert (judgement.checkpoint, judgement.log.verifier) == (HEAD, LOG.verifier)
    assert (dict(judgement.cosigned), judgement.quorum) == ({"X1": 1000, "Y2": 1000}, False)
    assert POLICY.require(cosigned("X1", "X3", "Y2")).quorum
    with pytest.raises(QuorumMissing, match="cosigned by X1, Y2"):
        POLICY.require(cosigned("X1", "Y2"))
    with pytest.raises(QuorumMissing, match="nobody"):
        POLICY.require(NOTE)


def test_without_a_quorum_the_log_s_word_is_enough() -> None:
    alone = Policy.parse(f"log {LOG.vkey}\nquorum none\n".encode())
    assert alone.require(NOTE).quorum
    assert alone.require(cosigned("X1")).cosigned == {}


def test_witnesses_cannot_stand_for_the_log() -> None:
    everybody = [WITNESSES[name].cosign(HEAD.text, 1000) for name in NAMES]
    with pytest.raises(SignatureRejected):
        POLICY.judge(add_signatures(HEAD.text, everybody))


def test_a_log_of_the_policy_speaks_only_for_its_origin() -> None:
    both = Policy.parse(f"log {LOG.vkey}\nlog {OTHER.vkey}\nquorum none\n".encode())
    with pytest.raises(SignatureRejected):
        both.judge(sign_checkpoint(HEAD, OTHER))
    assert (
        both.judge(sign_checkpoint(Checkpoint(OTHER.name, 5, HEAD.root), OTHER)).log.verifier
        == OTHER.verifier
    )


def test_a_false_cosignature_of_a_known_witness_refuses_the_checkpoint() -> None:
    true = WITNESSES["Y3"].cosign(HEAD.text, 1000)
    false = Signature(true.name, true.key_id, true.value[:-1] + bytes([true.value[-1] ^ 1]))
    with pytest.raises(SignatureRejected):
        POLICY.judge(add_signatures(HEAD.text, [*parse_note(cosigned("X1", "X2", "Y1"))[1], false]))


@pytest.mark.parametrize("quorum", ["A", "g"])
def test_a_quorum_may_be_one_witness_or_a_group_of_one(quorum: str) -> None:
    policy = Policy.parse(f"witness A {X1}\ngroup g all A\nquorum {quorum}\n".encode())
    assert (policy.is_quorum(["A"]), policy.is_quorum([])) == (True, False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no quorum line"),
        ("# only a comment\n", "no quorum line"),
        ("quorum none\nquorum none\n", "line 2: there is already a quorum line"),
        ("quorum A\n", "line 1: the quorum is no witness"),
        (f"quorum A\nwitness A {X1}\n", "line 1"),
        ("quorum none extra\n", "line 1: not a line"),
        ("quorum none", "newline"),
        ("quorum none\r\n", "control character"),
        ("quorum none\x7f\n", "control character"),
        ("Quorum none\n", "not a line"),
        (f"log {X1}\nquorum none\n", "signature type"),
        (f"witness A {LOG.vkey}\nquorum none\n", "signature type"),
        (f"log {LOG.vkey} url more\nquorum none\n", "not a line"),
        (
            f"log {LOG.vkey}\nlog {Signer('another.name', LOG.seed).vkey}\nquorum none\n",
            "line 2: another line has the same",
        ),
        (f"witness A {X1}\nwitness B {X1}\nquorum none\n", "line 2: another line has the same"),
        (f"witness A {X1}\nwitness A {Y1}\nquorum none\n", "line 2: this name is already"),
        (f"witness none {X1}\nquorum none\n", "already defined"),
        (f"witness A {X1}\ngroup A any A\nquorum none\n", "already defined"),
        (f"witness A {X1}\ngroup g any none\nquorum none\n", "no witness or group"),
        (f"witness A {X1}\ngroup g any g\nquorum none\n", "no witness or group"),
        (f"witness A {X1}\ngroup g any B\nwitness B {Y1}\nquorum none\n", "line 2: a member"),
        (f"witness A {X1}\ngroup g any A A\nquorum none\n", "already a member"),
        (f"witness A {X1}\ngroup g any A\ngroup h any A\nquorum none\n", "already a member"),
        (f"witness A {X1}\ngroup g all\nquorum none\n", "threshold"),
        (f"witness A {X1}\ngroup g any\nquorum none\n", "threshold"),
        (f"witness A {X1}\ngroup g 0 A\nquorum none\n", "threshold"),
        (f"witness A {X1}\ngroup g 2 A\nquorum none\n", "threshold"),
        (f"witness A {X1}\ngroup g 01 A\nquorum none\n", "decimal"),
        (f"witness A {X1}\ngroup g some A\nquorum none\n", "decimal"),
        ("#" * 1_000_001, "longer"),
    ],
)
def test_a_policy_that_breaks_a_rule_is_refused_by_line(text: str, reason: str) -> None:
    with pytest.raises(TlogError, match=reason):
        Policy.parse(text.encode())


def test_names_are_opaque_octets() -> None:
    policy = Policy.parse(
        b"witness \xff %s\nwitness \xe2\x84\xaa %s\nquorum \xff\n" % (X1.encode(), Y1.encode())
    )
    assert policy.is_quorum([policy.witnesses[0].name])
    assert not policy.is_quorum([policy.witnesses[1].name])


def test_a_policy_of_thousands_of_lines_is_read() -> None:
    keys = [
        Cosigner(Signer(f"w{number}", number.to_bytes(32, "big"))).vkey for number in range(3000)
    ]
    lines = [f"witness {number} {vkey}\n" for number, vkey in enumerate(keys)]
    members = " ".join(map(str, range(3000)))
    policy = Policy.parse("".join([*lines, f"group g 1500 {members}\n", "quorum g\n"]).encode())
    assert policy.is_quorum(map(str, range(1500)))
    assert not policy.is_quorum(map(str, range(1499)))


@given(st.data())
def test_parsers_refuse_or_read(data: st.DataObject) -> None:
    refuses_or_reads(data, Policy.parse, SPEC_POLICY)
    refuses_or_reads(data, POLICY.require, cosigned("X1", "X2", "Y1"))
