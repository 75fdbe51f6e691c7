"""Transparency logs as RFC 6962 and the C2SP specifications write them: pure functions over bytes,
PyNaCl the only dependency.

Read in this order: `merkle` (the tree), `keys` and `note` (signed notes), `checkpoint`, `tiles`,
`bundles` and `growth` (the static files), `tile_proofs` (proofs out of them), `proof` (an offline
proof), `cosignature`, `policy` and `witness` (who else has seen it).

Nothing here reads a file, a socket or a clock, and nothing knows of incidents. Every parser takes
bytes or text of a stranger, does work linear in its length, and gives a value or raises
`TlogError`."""
