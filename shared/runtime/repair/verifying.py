"""The topic and the ledgers held against each other, without any I/O. Each violation is a finding;
the meaning of each code is in `shared.chain.findings`."""

from collections.abc import Mapping

from shared.chain.findings import Finding
from shared.chain.link import EMPTY
from shared.runtime.repair.chain_numbers import printed
from shared.runtime.repair.ledger_check import LedgerCheck
from shared.runtime.repair.topic_check import TopicCheck


def compare(topic: TopicCheck, ledger: LedgerCheck, relayed: Mapping[int, int]) -> list[Finding]:
    """A service's ledger against the topic; `relayed` is how far its relay says it has sent each
    partition.

    What is said and not relayed yet, or on the topic and not heard yet, is on its way and no
    finding."""
    findings: list[Finding] = []
    for number, hash_ in ledger.hashes.items():
        service, partition, sequence = number
        where = f"{ledger.owner}'s ledger, {printed(number)}"
        on_topic = topic.hashes.get(number)
        if on_topic is None and (service != ledger.owner or sequence <= relayed.get(partition, 0)):
            findings.append(Finding("not_on_topic", where, "missing on the topic"))
        elif on_topic is not None and on_topic != hash_:
            findings.append(
                Finding(
                    "differs_from_topic",
                    where,
                    f"{hash_.hex()[:16]}… here, {on_topic.hex()[:16]}… on the topic",
                )
            )
    for number in topic.hashes:
        service, partition, sequence = number
        held = ledger.heads.get((service, partition), EMPTY).sequence
        if number not in ledger.hashes and (service == ledger.owner or sequence < held):
            findings.append(
                Finding(
                    "not_in_ledger",
                    f"{ledger.owner}'s ledger, {printed(number)}",
                    "missing in the database",
                )
            )
    return findings
