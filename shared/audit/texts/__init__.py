"""What people wrote, beside the events of a log or a dossier: held against their digests (`check`),
as it travels (`lines`), and for whom (`readers`)."""
