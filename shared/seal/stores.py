"""The log stores there are: a folder, or a prefix of an S3-compatible store."""

from pathlib import Path

from shared.seal.folder import Folder
from shared.seal.store import LogStore


def open_store(where: str) -> LogStore:
    """Of a path, or of an s3:// URL; keys and address of the S3 server come from the AWS_*
    variables of the environment.

    Raises ValueError when it is neither."""
    if where.startswith("s3://"):
        from shared.seal.bucket import open_bucket

        return open_bucket(where)
    if "://" in where:
        raise ValueError("must be the path of a folder, or an s3:// URL")
    return Folder(Path(where).absolute())
