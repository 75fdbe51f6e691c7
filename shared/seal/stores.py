"""The log stores there are: a folder, or a prefix of an S3-compatible store."""

from pathlib import Path

from shared.seal.folder import Folder
from shared.seal.store import LogStore


def open_store(where: str) -> LogStore:
    """The store at a path or an s3:// URL. The keys and the address of an S3 server come from the
    AWS_* variables of the environment.

    Raises ValueError when `where` is neither."""
    if where.startswith("s3://"):
        from shared.seal.bucket import open_bucket

        return open_bucket(where)
    if "://" in where:
        raise ValueError("must be the path of a folder, or an s3:// URL")
    return Folder(Path(where).absolute())
