"""A real nginx before something that listens on this machine."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
_CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {}
http {
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {blocks}
}
"""


def command(folder: Path, blocks: str) -> list[str]:
    """Write a configuration with such blocks, and return how nginx is started with it."""
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.replace("{folder}", str(folder)).replace("{blocks}", blocks))
    return [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]


@contextmanager
def proxying(folder: Path, blocks: str, health: str) -> Iterator[str]:
    """Run an nginx that listens on the `{port}` of its blocks; yield its address, without a slash at the end.

    `health` is a path that answers once it is up.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(command(folder, blocks.replace("{port}", str(port))))
    address = f"http://127.0.0.1:{port}"
    wait_until_there(process, address + health, folder / "error.log")
    yield address
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def wait_until_there(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait until an address answers; say what the log says if its process ends, or does not answer."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{address} does not answer: {log.read_text()}")
