"""On what kind of machine figures were measured, in one line."""

import os
import platform
from pathlib import Path

import psutil


def machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores ({_processor()}), {memory:.0f} GiB, {platform.system()}, Python "
        f"{platform.python_version()}"
    )


def _processor() -> str:
    """As the kernel names it, where it does."""
    about = Path("/proc/cpuinfo")
    if about.exists():
        for line in about.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
