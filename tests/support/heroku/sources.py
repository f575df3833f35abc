"""Small applications to deploy in tests, and the way from their files to a running app."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import Any

import requests

from tests.support.heroku.running import RunningEmulator
from tests.support.processes import wait_until

SERVER = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        body = json.dumps({
            "path": self.path, "dyno": os.environ["DYNO"], "greeting": os.environ.get("GREETING"),
            "proto": self.headers["X-Forwarded-Proto"], "environment": sorted(os.environ),
        }).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

print("listening soon")
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""
FILES = {
    "Procfile": "web: python server.py\nclock: sleep 1000\n",
    "requirements.txt": "flask>=2  # met here\n",
    ".python-version": "3.12\n",
    "server.py": SERVER,
}


def tarball(files: dict[str, str]) -> bytes:
    """The files as a .tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def checksum(data: bytes) -> str:
    return "SHA256:" + hashlib.sha256(data).hexdigest()


def upload(emulator: RunningEmulator, data: bytes) -> str:
    """Put a tarball where builds can get it; returns that URL."""
    blob = emulator.call("POST", "/sources").json()["source_blob"]
    requests.put(blob["put_url"], data=data, timeout=10).raise_for_status()
    return str(blob["get_url"])


def build(emulator: RunningEmulator, app: str, files: dict[str, str]) -> dict[str, Any]:
    """Build the files and wait for the verdict."""
    data = tarball(files)
    source = {"url": upload(emulator, data), "checksum": checksum(data), "version": "one"}
    started = emulator.call("POST", f"/apps/{app}/builds", {"source_blob": source})
    assert started.status_code == 201, started.text
    path = f"/apps/{app}/builds/{started.json()['id']}"
    wait_until(lambda: emulator.get(path)["status"] != "pending")
    return dict(emulator.get(path))


def states(emulator: RunningEmulator, app: str) -> dict[str, str]:
    return {dyno["name"]: dyno["state"] for dyno in emulator.get(f"/apps/{app}/dynos")}


def deploy(emulator: RunningEmulator, name: str, files: dict[str, str] | None = None) -> dict[str, Any]:
    """An app that is up and serves."""
    app = emulator.create_app(name)
    assert build(emulator, name, files or FILES)["status"] == "succeeded"
    wait_until(lambda: states(emulator, name).get("web.1") == "up")
    return app
