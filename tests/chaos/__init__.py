"""The campaign: real processes under load and under faults, and a check of everything that the
clients were told."""
