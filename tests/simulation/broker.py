"""A model of one Kafka topic and its idempotent producers, as they misbehave in production.

Requests and answers are lost or late; the client sends again; a broker that still knows the
producer drops the copy, one that has forgotten it (its leader changed) appends it twice. A failed
batch may be on the log all the same. A producer whose batch failed has counted it, so that the
broker refuses all that follow. A request may land long after its sender gave up or died."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from shared.runtime.hear.judge import Record
from tests.simulation.chance import Chance
from tests.simulation.schedule import Future, Scheduler, Steps


@dataclass(slots=True, eq=False)
class Producer:
    number: int
    alive: bool = True
    counted: dict[int, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True, eq=False)
class Request:
    """A batch on its way; `answer` becomes True (acknowledged), False (failed) or None (its sender
    gave up)."""

    producer: Producer
    partition: int
    first: int
    records: Sequence[Record]
    answer: Future = field(default_factory=Future)


class Broker:
    def __init__(
        self,
        partitions: Sequence[int],
        scheduler: Scheduler,
        chance: Chance,
        delay: Callable[[float], float],
    ) -> None:
        self.scheduler = scheduler
        self.chance = chance
        self.delay = delay
        self.logs: dict[int, list[Record]] = {partition: [] for partition in partitions}
        self.tamper: Callable[[int, Sequence[Record]], Sequence[Record]] = lambda _, sent: sent
        """What an adversary makes of what is sent to a partition."""
        self.truncated: Callable[[], None] = lambda: None
        """Told when messages were forgotten: somebody notices in the end, as `ledger verify`
        does."""
        self._known: dict[tuple[int, int], int] = {}
        self._producers = 0

    def producer(self) -> Producer:
        self._producers += 1
        return Producer(self._producers)

    def send(self, producer: Producer, partition: int, records: Sequence[Record]) -> Request:
        request = Request(producer, partition, producer.counted[partition], records)
        producer.counted[partition] += len(records)
        self.scheduler.spawn("request", self._deliver(request))
        return request

    def _deliver(self, request: Request) -> Steps:
        where = f"topic/{request.partition}"
        while request.producer.alive:
            yield self.delay(0.002)
            if self.chance("request lost", where):
                yield self.delay(0.1)
                continue
            if self.chance("request failed", where):
                self.scheduler.set(request.answer, False)
                return
            if self.chance("request late", where):
                yield self.delay(4.0)
            accepted = self._append(request)
            if self.chance("leader changed", where):
                self._forget(request.partition)
            if self.chance("log truncated", where):
                self._truncate(request.partition)
            if accepted and self.chance("acknowledgement lost", where):
                yield self.delay(0.1)
                continue
            if self.chance("acknowledgement late", where):
                yield self.delay(4.0)
            yield self.delay(0.002)
            failed = self.chance("failed though appended", where)
            self.scheduler.set(request.answer, accepted and not failed)
            return

    def _append(self, request: Request) -> bool:
        key = (request.producer.number, request.partition)
        expected = self._known.get(key, request.first)
        if request.first > expected:
            return False
        if request.first == expected:
            self._known[key] = expected + len(request.records)
            log = self.logs[request.partition]
            log.extend(
                [
                    replace(record, offset=len(log) + number)
                    for number, record in enumerate(self.tamper(request.partition, request.records))
                ]
            )
        return True

    def _forget(self, partition: int) -> None:
        self._known = {key: value for key, value in self._known.items() if key[1] != partition}

    def _truncate(self, partition: int) -> None:
        log = self.logs[partition]
        del log[len(log) - min(len(log), 1 + int(self.delay(3.0))) :]
        self._forget(partition)
        self.truncated()
