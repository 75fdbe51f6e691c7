"""Transparency logs as RFC 6962 and the C2SP specifications write them: pure functions over bytes,
PyNaCl the only dependency.

Read in this order: `merkle` (the tree), `keys` and `note` (signed notes), `checkpoint`, `tiles`,
`bundles` and `growth` (the static files), `tile_proofs` (proofs out of them), `proof` (an offline
proof), `cosignature`, `policy` and `witness` (other parties that have seen the log), `turns` and
`turn_proof` (one signature for many leaves, each with its proof).

Nothing here reads a file, a socket or a clock, or knows of incidents. Every parser takes
untrusted bytes or text, does work linear in its length, and gives a value or raises `TlogError`."""
