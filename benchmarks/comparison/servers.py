"""NBD servers with one volume each, all started in the same way."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
STOP_SECONDS = 60


class CannotCompare(Exception):
    """Says what is missing or what went wrong."""


def run(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise CannotCompare(f"{command[0]} failed: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


class Server:
    """An NBD server with one volume. Subclasses say how it starts."""

    name = ""

    def __init__(self, directory, size_gib):
        self.directory = directory / self.name
        self.directory.mkdir()
        self.socket = directory / f"{self.name}.sock"
        self.log = directory / f"{self.name}.log"
        self.size_gib = size_gib
        self.process = None

    @property
    def uri(self):
        return f"nbd+unix:///?socket={self.socket}"

    def start(self):
        raise NotImplementedError

    def spawn(self, *command, **how):
        """Starts the process. What it says goes to its log: the peers complain of every client that just hangs up."""
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([str(word) for word in command], stderr=log, **how)

    def wait_for_socket(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
                probe.connect(str(self.socket))
                return
            time.sleep(0.05)
        raise self.not_started()

    def not_started(self):
        return CannotCompare(f"{self.name} did not start: {self.log.read_text(encoding='utf-8').strip()}")

    def cpu_seconds(self):
        """What all threads of the server have used up to now, kernel time for it included."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None
        self.socket.unlink(missing_ok=True)


class Varve(Server):
    name = "varve"
    volume = "compare"

    @property
    def uri(self):
        return self.uri_of(self.volume)

    def uri_of(self, volume):
        return f"nbd+unix:///{volume}?socket={self.socket}"

    def start(self):
        self.spawn(
            ROOT / "varve", "serve", f"--data={self.directory}", f"--nbd-socket={self.socket}",
            "--nbd=127.0.0.1:0", "--api=127.0.0.1:0",
            stdout=subprocess.PIPE, text=True)
        ready = re.match(r"varve ready api=(\S+)", self.process.stdout.readline())
        if not ready:
            raise self.not_started()
        self.api = ready[1]
        self.volume_id = self.create(self.volume, self.size_gib)

    def create(self, name, size_gib):
        return self.call("POST", "/v1/volumes", name=name, sizeGiB=size_gib)["volumeId"]

    def delete(self, volume_id):
        self.call("DELETE", f"/v1/volumes/{volume_id}")

    def snapshot(self, volume_id=None):
        return self.call("POST", "/v1/snapshots", volumeId=volume_id or self.volume_id)["snapshotId"]

    def delete_snapshot(self, snapshot_id):
        self.call("DELETE", f"/v1/snapshots/{snapshot_id}")

    def call(self, method, path, **body):
        request = urllib.request.Request(
            self.api + path,
            json.dumps(body).encode() if body else None,
            {"Content-Type": "application/json"} if body else {},
            method=method)
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            text = answer.read()
        return json.loads(text) if text else None


class Qcow2(Server):
    name = "qcow2"
    aio = "io_uring"

    def start(self):
        self.image = self.directory / "base.qcow2"
        self.create(self.image, f"{self.size_gib}G")
        try:
            self.serve(self.image)
        except CannotCompare:
            if Qcow2.aio == "threads":
                raise
            print("qemu-nbd cannot use io_uring here, and goes on with threads", file=sys.stderr)
            Qcow2.aio = "threads"
            self.serve(self.image)

    def push_overlay(self):
        """Puts an overlay on the image and serves that: what a snapshot is with qemu-nbd."""
        self.stop()
        overlay = self.directory / f"{self.image.stem}-over.qcow2"
        self.create(overlay, "-b", self.image, "-F", "qcow2")
        self.image = overlay
        self.serve(overlay)

    def drop_overlays(self):
        """Goes back to the image as it was before the first overlay."""
        self.stop()
        for overlay in self.directory.glob("*-over.qcow2"):
            overlay.unlink()
        self.image = self.directory / "base.qcow2"
        self.serve(self.image)

    def create(self, image, *rest):
        run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=64k", image, *rest)

    def serve(self, image):
        # In the page cache as all the others; io_uring makes it up to three times as fast as its default, threads.
        self.spawn(
            "qemu-nbd", "-k", self.socket, "-f", "qcow2", "--cache=writeback", f"--aio={self.aio}", "--shared=8",
            "--persistent", image)
        self.wait_for_socket()


class NbdkitFile(Server):
    name = "nbdkit-file"

    def start(self):
        image = self.directory / "disk.raw"
        with open(image, "wb") as file:
            file.truncate(self.size_gib << 30)
        self.spawn("nbdkit", "-f", "-U", self.socket, "file", image)
        self.wait_for_socket()


class NbdkitNull(Server):
    name = "nbdkit-null"

    def start(self):
        self.spawn("nbdkit", "-f", "-U", self.socket, "null", f"size={self.size_gib}G")
        self.wait_for_socket()


SERVERS = (Varve, Qcow2, NbdkitFile, NbdkitNull)
PEERS = (Qcow2.name, NbdkitFile.name)
