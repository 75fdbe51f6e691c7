"""A whole log as an auditor finds it: clean, or damaged in every way that an enemy or a disk might."""

from pathlib import Path

from tests.unit.audit.world import audit, publish_log, two_stories


def test_a_history_that_the_services_wrote_is_clean(tmp_path: Path) -> None:
    ledger = two_stories()
    publish_log(tmp_path, ledger, steps=(1, 7, 30))
    found = audit(tmp_path, every_signature=True)
    assert found.findings == []
    assert found.checkpoint is not None
    assert (found.checkpoint.size, found.incidents) == (len(ledger.entries), 2)
    assert found.types["reviewed"] == 1
    assert found.behind == []
