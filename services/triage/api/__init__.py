"""HTTP of triage: incidents with their gates out, commands in."""

from fastapi import APIRouter

from services.triage.api import commands, reads

router = APIRouter()
router.include_router(reads.router)
router.include_router(commands.router)
