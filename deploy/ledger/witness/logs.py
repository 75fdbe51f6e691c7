"""Which logs a witness is to know: from keys on the command line, and from a policy."""

import os
from pathlib import Path

from deploy.local.errors import StackError
from shared.audit.files import MAX_TEXT, read_regular
from shared.chain import keyfiles
from shared.chain.keyfiles import BadKeyFile
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier


def logs_of(vkeys: list[str], policy: Path | None) -> list[Verifier]:
    """The logs of these verifier keys, then those of the policy. Raises StackError."""
    try:
        logs = [keyfiles.log_key(os.fsencode(vkey)) for vkey in vkeys]
        if policy is not None:
            found = keyfiles.witness_policy(read_regular(policy, MAX_TEXT))
            logs += [log.verifier for log in found.logs]
    except (BadKeyFile, TlogError) as error:
        raise StackError(str(error)) from error
    except OSError as error:
        raise StackError(f"{policy}: {(error.strerror or 'cannot be read').lower()}") from error
    return logs
