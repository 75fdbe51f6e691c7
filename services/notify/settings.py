"""Notify's own settings beside those of every service."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, FilePath

from services.notify.channels.file import FORM, Channels
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.running import Running


def _usable(file: FilePath) -> FilePath:
    Channels(file)
    return file


class NotifySettings(ServiceSettings):
    channels_file: Annotated[FilePath, AfterValidator(_usable)] = Field(
        description=f"JSON, {FORM}, readable by this service alone (mode 0600)"
    )


@contextlib.asynccontextmanager
async def open_channels(settings: NotifySettings) -> AsyncIterator[Channels]:
    """The channels, for as long as the service runs."""
    yield Channels(settings.channels_file)


def channels_of(process: Running[Any, Any, Channels]) -> Channels:
    """The channels that this process was started with, as their file is now."""
    return process.resources
