"""What the clients of a campaign were told: each try and each outcome a line of JSON, and the
outcomes as the checker takes them."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.simulation.checking import Answer, Outcome


@dataclass(slots=True)
class Record:
    """Kept while the campaign runs; the file outlives whatever happens to us."""

    file: IO[str]
    began: float = field(default_factory=time.monotonic)
    answers: list[Answer] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    bugs: list[str] = field(default_factory=list)
    """What was answered with 500: none is ever right."""

    @classmethod
    def on(cls, path: Path) -> "Record":
        return cls(path.open("w", encoding="utf-8", buffering=1))

    @property
    def at(self) -> float:
        """Seconds since the campaign began."""
        return round(time.monotonic() - self.began, 3)

    @property
    def unanswered(self) -> int:
        """Tries that got no answer, or 5xx."""
        return sum(
            count
            for status, count in self.tries.items()
            if not status.startswith(("2", "4", "outcome"))
        )

    def count(self, outcome: Outcome) -> int:
        return self.tries[f"outcome {outcome}"]

    def note(self, **line: Any) -> None:
        self.file.write(json.dumps({"at": self.at, **line}) + "\n")

    def tried(self, command: str, attempt: int, status: int | str, detail: str = "") -> None:
        self.tries[str(status)] += 1
        if status == 500:
            self.bugs.append(f"{command}: {detail}")
        self.note(command=command, attempt=attempt, status=status, detail=detail)

    def ended(self, answer: Answer) -> None:
        self.answers.append(answer)
        self.tries[f"outcome {answer.outcome}"] += 1
        self.note(
            command=answer.command,
            outcome=answer.outcome.value,
            events=[event.hex() for event in answer.events],
            decided_on=answer.decided_on,
        )
