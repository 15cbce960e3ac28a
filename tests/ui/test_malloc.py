"""What glibc's malloc is told holds however many visitors come at once."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

_AT_ONCE = """
import ctypes, re, sys, tempfile, threading
import ui

there, over = threading.Barrier(25), threading.Event()

def work():
    kept = [bytes(n) for n in range(600, 1600)]  # more than Python's own allocator takes
    there.wait()
    over.wait()

threads = [threading.Thread(target=work) for _ in range(24)]
for thread in threads:
    thread.start()
there.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as file:
    out = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, out)
    libc.fclose(out)
    print(len(re.findall(rb"<heap nr", file.read())))
over.set()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="Another C library than glibc.")
def test_threads_share_their_free_memory_from_the_first_page_on() -> None:
    ran = subprocess.run([sys.executable, "-c", _AT_ONCE], capture_output=True, text=True, check=True)
    assert int(ran.stdout) == 1
