"""HTTP of notify: who must be told and with what out, commands in."""

from fastapi import APIRouter

from services.notify.api import channels, commands, reads

router = APIRouter()
router.include_router(reads.router)
router.include_router(channels.router)
router.include_router(commands.router)
