"""Memory stays with the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, sys
import numpy as np
from engine.memory import keep_memory
if sys.argv[1] == "kept":
    keep_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(64 << 20, dtype=np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these options")
def test_the_second_large_array_costs_no_pages() -> None:
    fresh, kept = (int(subprocess.check_output([sys.executable, "-c", COUNT, how], text=True)) for how in ("fresh", "kept"))
    assert kept < 200
    assert kept < fresh
