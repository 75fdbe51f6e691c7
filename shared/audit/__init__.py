"""Verification by somebody who trusts nobody: a whole log, or one subject's dossier, from its
bytes and a few public keys alone.

Read in this order: `places` and `chains` (what links an event to the one before it), `tree` (what
the checkpoint commits to), `heads` (checkpoint, witnesses, what was seen before), `subjects` and
`decisions` (what the events say), `opening`, `reading`, `words` and `histories` (each step over a
log), `log` (all of them), `dossier` (all of it over one subject). Pure; `files`, `seen`, `spool`
and `export` alone touch a disk or a network."""
