"""Verifies a dossier by its bytes alone."""

from pathlib import Path

from deploy.ledger.check import believing, rules
from deploy.ledger.check.believing import Pinned
from deploy.ledger.check.verified import DossierVerified
from shared.audit.anchors import Pins
from shared.audit.dossier.archive import MAX_SIZE
from shared.audit.dossier.checking import audit_dossier
from shared.audit.dossier.outcome import DossierAudit
from shared.audit.files import read_regular


def verify_dossier(path: Path, pinned: Pinned) -> DossierVerified:
    """The file, by what the auditor brought. Raises OSError, BadPin."""
    pins = believing.read_pins(pinned)
    return DossierVerified(checked(str(path), read_regular(path, MAX_SIZE), pins))


def checked(name: str, archive: bytes, pins: Pins | None = None) -> DossierAudit:
    """The archive, by the services' own rules; without pins by the keys that lie in it."""
    reports = rules.reports()
    return audit_dossier(name, archive, pins or Pins(), rules.rules(), reports)
