"""Review's own settings beside those of every service: the sealed log, its key, its pace, its
witnesses."""

from typing import Annotated

from pydantic import AfterValidator, Field, FilePath

from shared.chain import keyfiles
from shared.chain.keyfiles import BadKeyFile
from shared.runtime.process.settings import ServiceSettings
from shared.seal.stores import open_store
from shared.tlog.errors import TlogError


def _store(where: str) -> str:
    open_store(where)
    return where


def _key(file: FilePath) -> FilePath:
    try:
        keyfiles.log_signer(file.read_bytes())
    except BadKeyFile as error:
        raise ValueError(str(error)) from None
    return file


def _policy(file: FilePath) -> FilePath:
    try:
        keyfiles.witness_policy(file.read_bytes())
    except TlogError as error:
        raise ValueError(str(error)) from error
    return file


class ReviewSettings(ServiceSettings):
    log_store: Annotated[str, AfterValidator(_store)] = Field(
        min_length=1,
        description="where the sealed log lies: a folder, or s3://bucket/prefix with AWS_* in the "
        "environment",
    )
    log_key_file: Annotated[FilePath, AfterValidator(_key)] = Field(
        description="the Ed25519 key that signs checkpoints, named by the log's origin; readable "
        "by the sealer alone"
    )
    log_origin: str = Field(
        "incident-ledger/log", min_length=1, description="the log's origin, and its key's name"
    )
    log_policy_file: Annotated[FilePath, AfterValidator(_policy)] = Field(
        description="tlog-policy: the log, its witnesses with their addresses, the quorum (none: "
        "no witness is asked)"
    )
    log_open: bool = Field(
        False,
        description="true publishes the sealed log: anybody who reaches review reads every event "
        "in full at /log/, with its facts, reasons and names; false: auditors alone",
    )
    log_checkpoint_every: float = Field(
        1.0, gt=0, le=3600, description="seconds between two checkpoints"
    )
    log_heartbeat_every: float = Field(
        60.0, gt=0, le=86400, description="seconds until an idle log says again that it lives"
    )
    log_hole_after: float = Field(
        60.0, ge=0, description="seconds until a hole in a chain is recorded as an event"
    )
    log_witness_within: float = Field(
        2.0, gt=0, le=60, description="seconds that the witnesses have to answer"
    )
