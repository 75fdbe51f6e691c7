"""What makes a report the same report when it comes again.

A key is kept beside the report that came under it, as an HMAC under a secret that the database does
not hold: a caller, a key and the sentences of a report are guessed in no time. Of a named report
the secret is the deployment's. Of an anonymous one it is intake's own, and the HMAC is without the
caller, and is forgotten after a day."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.contract.pseudonym import keyed
from shared.runtime.say.people import People
from shared.runtime.say.plan import Idempotency

ANONYMOUS_KEYS: Final = "anonymous "
"""How the keys of anonymous reports begin, so that they alone are forgotten."""
KEPT: Final = timedelta(days=1)
"""How long an anonymous report can be sent again under its key and remain one report."""


@dataclass(frozen=True, slots=True)
class Key:
    """A name that is unique to one report: of one caller, or, without a caller, of all who may
    speak for a source of CloudEvents."""

    name: str
    caller: str | None = None

    @classmethod
    def of_event(cls, source: str, id_: str) -> "Key":
        """CloudEvents makes `source` and `id` unique, regardless of who hands the event on."""
        return cls(json.dumps([source, id_]))

    def on(self, asked: bytes, people: People) -> Idempotency:
        """For a report with a caller; `asked` is what it says."""
        owner = "cloudevents" if self.caller is None else f"caller {self.caller}"
        return people.key(owner, self.name, asked)

    def on_anonymous(self, asked: bytes, secret: bytes) -> Idempotency:
        """For an anonymous report.

        Without the caller, two callers may choose one key: then what they say must tell their
        reports apart, and neither learns that there was another."""
        named = [self.name] if self.caller is None else ["key", self.name, asked.decode()]
        digest = hmac.digest(secret, json.dumps(named).encode(), hashlib.sha256).hex()
        return Idempotency(f"{ANONYMOUS_KEYS}{digest}", keyed(secret, asked))
