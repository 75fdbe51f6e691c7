"""Forgets, on its import, what libraries would obey; `FORGOTTEN` names what was set.

The first import of every service's `__main__`: OpenTelemetry reads its variables while it is
imported, and one that names a plugin that is not here would end the process in a traceback."""

from typing import Final

from shared.runtime.process.surroundings import forget_foreign

FORGOTTEN: Final = forget_foreign()
