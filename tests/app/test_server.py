"""The server as a person starts it: a real process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def started(home: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """``make run``'s command in a home folder that has never seen Streamlit, on a desktop whose browser does nothing."""
    browser = home / "bin" / "xdg-open"
    browser.parent.mkdir()
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o755)
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLIT_", "PHAROS_"))}
    env |= {"HOME": str(home), "DISPLAY": ":99", "PATH": f"{browser.parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    env |= {"PHAROS_DEMO": "0", "PHAROS_DATA_DIR": str(home / "data"), **environment}
    command = [sys.executable, "-m", "streamlit", "run", "app/server.py", "--server.port", str(port)]
    running = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield running, port
    finally:
        running.terminate()
        try:
            running.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()


def health(running: subprocess.Popen[bytes], port: int) -> dict[str, object]:
    """What /healthz says as soon as it answers."""
    end = time.monotonic() + 120
    while time.monotonic() < end and running.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as reply:
                return dict(json.load(reply))
        except OSError:
            time.sleep(0.2)
    raise AssertionError(running.communicate(timeout=10)[0].decode() if running.poll() is not None else "no answer")


@pytest.mark.slow
def test_a_first_start_on_a_desktop_asks_for_nothing_and_refuses_foreign_names(tmp_path: Path) -> None:
    with started(tmp_path) as (running, port):
        assert health(running, port)["status"] == "ok"
        assert not (tmp_path / ".streamlit" / "credentials.toml").exists()
        for path in ("/healthz", "/"):
            rebound = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": f"evil.example:{port}"})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(rebound, timeout=5)
            assert refused.value.code == 421
            refused.value.close()


@pytest.mark.slow
def test_a_bad_setting_is_told_in_one_line(tmp_path: Path) -> None:
    with started(tmp_path, PHAROS_THREADS="many") as (running, _):
        out = running.communicate(timeout=120)[0].decode()
    assert running.returncode != 0
    assert "PHAROS_THREADS" in out
    assert "Traceback" not in out
