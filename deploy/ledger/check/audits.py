"""What the auditing commands have in common: the log they read, whom they believe, and the
services' rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Final

import typer

from services.intake import audit as intake
from services.notify import audit as notify
from services.review import audit as review
from services.triage import audit as triage
from shared.audit.files import Files, Unreachable
from shared.audit.incidents import Rules
from shared.audit.log import Anchors
from shared.chain import trust
from shared.contract.vocabulary import ServiceName
from shared.tlog.keys import Verifier
from shared.tlog.policy import Policy

VkeyOption = Annotated[
    Path | None,
    typer.Option(
        "--vkey",
        help="File with the log's verifier key. Default: the log's own, which proves little.",
    ),
]
TrustOption = Annotated[
    Path | None,
    typer.Option("--trust", help="File with the services' verifier keys. Default: the log's own."),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="File in the format of c2sp.org/tlog-policy: which witnesses. Default: the log's own.",
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="LEDGER_TOKEN",
        help="For a log that is not open to all; better in LEDGER_TOKEN.",
    ),
]

_AUDITS: Final[Mapping[ServiceName, ModuleType]] = {
    ServiceName.INTAKE: intake,
    ServiceName.TRIAGE: triage,
    ServiceName.NOTIFY: notify,
    ServiceName.REVIEW: review,
}

OWN: Final = "the log itself"


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the auditor brought along."""

    vkey: Path | None = None
    trust: Path | None = None
    policy: Path | None = None


@dataclass(frozen=True, slots=True)
class Believed:
    """The keys, and where each came from."""

    anchors: Anchors
    source: Mapping[str, str]

    @property
    def unpinned(self) -> list[str]:
        return [name for name, source in self.source.items() if source == OWN]


def believe(files: Files, pinned: Pinned) -> Believed:
    """Raises Unreachable or ValueError saying which key is missing or wrong."""
    texts, sources = dict[str, bytes | None](), dict[str, str]()
    for name, path, own in (
        ("vkey", pinned.vkey, "log.vkey"),
        ("trust", pinned.trust, "trust"),
        ("policy", pinned.policy, "policy"),
    ):
        texts[name] = path.read_bytes() if path else files.read(own)
        sources[name] = str(path) if path else OWN
    log = Verifier.parse(_text("vkey", texts["vkey"]).strip())
    policy = texts["policy"]
    anchors = Anchors(
        log,
        trust.parse(_text("trust", texts["trust"])),
        None if policy is None else Policy.parse(policy),
    )
    return Believed(anchors, sources)


def _text(name: str, data: bytes | None) -> str:
    if data is None:
        raise Unreachable(f"there is no {name}; name a file with --{name}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"the {name} is no text") from error


def audit_of(service: ServiceName) -> ModuleType:
    """The service's `audit` module."""
    return _AUDITS[service]


def rules() -> dict[ServiceName, Rules]:
    return {service: audit.audit for service, audit in _AUDITS.items()}
