"""The rows of the comparison: what is loaded how, and against whom it counts."""

import contextlib
import os
import pathlib
import random
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field

from .fio import fill, fio
from .servers import PEERS, CannotCompare, NbdkitNull, Qcow2, Varve

BLOCK_BYTES = 4096
DROP_CACHES = pathlib.Path("/proc/sys/vm/drop_caches")


@dataclass
class Bench:
    """What a row may use: the servers, started and filled, and how long and how often to measure."""

    servers: list
    rounds: int
    seconds: int

    def __getitem__(self, name):
        return next(server for server in self.servers if server.name == name)

    @property
    def size_gib(self):
        return self.servers[0].size_gib


@dataclass
class Outcome:
    """A row that was measured. Runs and CPU seconds per operation are by server (or what stands beside it)."""

    name: str
    against: str
    ratios: list
    floor: float | None
    goal: float | None
    unit: str
    runs: dict = field(default_factory=dict)
    cpu: dict = field(default_factory=dict)
    less_is_better: bool = False

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    @property
    def spread(self):
        return min(self.ratios), max(self.ratios)

    def meets(self, bound):
        if bound is None:
            return None
        return self.ratio <= bound if self.less_is_better else self.ratio >= bound


def say(text):
    print(text, file=sys.stderr, flush=True)


def per_round(mine, others):
    """Varve's figure by the best of the others', round by round."""
    return [own / max(peers) for own, *peers in zip(mine, *others)]


class Row:
    """One or more lines of the table."""

    def __init__(self, name, floor=None, goal=None):
        self.name = name
        self.floor = floor
        self.goal = goal

    def measure(self, bench):
        """Measures all rounds and gives a list of Outcomes."""
        raise NotImplementedError

    def outcome(self, against, ratios, unit, **rest):
        return Outcome(self.name, against, ratios, self.floor, self.goal, unit, **rest)


class SameLoad(Row):
    """The same load on every server, in turn, round by round."""

    def __init__(self, name, options, floor=None, goal=None, unit="IOPS", cold=False):
        super().__init__(name, floor, goal)
        self.options = options
        self.unit = unit
        self.cold = cold

    def measure(self, bench):
        if self.cold and not os.access(DROP_CACHES, os.W_OK):
            say(f"{self.name}: left out, for only root may drop the page cache")
            return []
        runs = {server.name: [] for server in bench.servers}
        cpu = {server.name: [] for server in bench.servers}
        for round_number in range(1, bench.rounds + 1):
            for server in bench.servers:
                load, cost = self.load(server, round_number, bench.seconds)
                runs[server.name].append(load.iops if self.unit == "IOPS" else load.megabytes_per_second)
                cpu[server.name].append(cost)
                say(f"{self.name}, round {round_number}: {server.name} {runs[server.name][-1]:,.0f} {self.unit}")
        ratios = per_round(runs[Varve.name], [runs[peer] for peer in PEERS])
        return [self.outcome("the better peer", ratios, self.unit, runs=runs, cpu=cpu)]

    def load(self, server, seed, seconds):
        os.sync()  # no server pays for the one before it
        if self.cold:
            DROP_CACHES.write_text("3\n", encoding="ascii")
        before = server.cpu_seconds()
        load = fio(
            server.uri, server.size_gib, *self.options, "--time_based", f"--runtime={seconds}", f"--randseed={seed}")
        return load, (server.cpu_seconds() - before) / max(load.operations, 1)


class FirstWrites(Row):
    """Random writes to blocks not written since a snapshot: a fortieth of all, the same number on every server."""

    def __init__(self, depth, floor, goal):
        super().__init__(f"first write after a snapshot, depth {depth}", floor, goal)
        self.depth = depth

    def measure(self, bench):
        varve, qcow2, null = bench[Varve.name], bench[Qcow2.name], bench[NbdkitNull.name]
        runs = {server.name: [] for server in (varve, qcow2, null)}
        cpu = {server.name: [] for server in (varve, qcow2, null)}
        for round_number in range(1, bench.rounds + 1):
            snapshot = varve.snapshot()
            qcow2.push_overlay()
            for server in (varve, qcow2, null):
                os.sync()
                before = server.cpu_seconds()
                load = fio(
                    server.uri, server.size_gib, "--rw=randwrite", "--bs=4k", f"--iodepth={self.depth}",
                    f"--number_ios={(server.size_gib << 30) // BLOCK_BYTES // 40}", f"--randseed={round_number}")
                runs[server.name].append(load.iops)
                cpu[server.name].append((server.cpu_seconds() - before) / load.operations)
                say(f"{self.name}, round {round_number}: {server.name} {load.iops:,.0f} IOPS")
            varve.delete_snapshot(snapshot)
            qcow2.drop_overlays()
        ratios = per_round(runs[Varve.name], [runs[Qcow2.name]])
        return [self.outcome("qcow2", ratios, "IOPS", runs=runs, cpu=cpu)]


class SparseFirstWrites(Row):
    """Every write meets another 2 MiB of a volume of 256 GiB, and so another leaf of the map."""

    SIZE_GIB = 256
    LEAF_BYTES = 2 << 20
    REQUESTS = 100_000

    def measure(self, bench):
        varve = bench[Varve.name]
        volume = varve.create("sparse", self.SIZE_GIB)
        runs = {"varve, no snapshot": [], "varve, after a snapshot": []}
        try:
            self.write(varve, 0)
            for round_number in range(1, bench.rounds + 1):
                for name, measured in runs.items():
                    snapshot = varve.snapshot(volume) if name.endswith("after a snapshot") else None
                    os.sync()
                    measured.append(self.write(varve, round_number))
                    say(f"{self.name}, round {round_number}: {name} {measured[-1]:,.0f} IOPS")
                    if snapshot:
                        varve.delete_snapshot(snapshot)
        finally:
            varve.delete(volume)
        plain, after = runs.values()
        return [self.outcome("itself, no snapshot", per_round(after, [plain]), "IOPS", runs=runs)]

    def write(self, varve, seed):
        """The same blocks in another order for each seed; fio cannot draw such offsets itself and is given a log."""
        leaves = list(range(self.REQUESTS))
        random.Random(seed).shuffle(leaves)
        log = varve.directory / "writes.log"
        lines = [f"writes write {leaf * self.LEAF_BYTES} {BLOCK_BYTES}" for leaf in leaves]
        log.write_text(
            "\n".join(["fio version 2 iolog", "writes add", "writes open", *lines, "writes close", ""]), encoding="ascii")
        return fio(
            varve.uri_of("sparse"), self.SIZE_GIB, "--filename=writes", "--rw=randwrite", "--bs=4k", "--iodepth=32",
            f"--read_iolog={log}", "--replay_no_stall=1").iops


class ManySnapshots(Row):
    """Random reads of a volume with a thousand snapshots in its past, and of a qcow2 with sixteen overlays."""

    SIZE_GIB = 1
    SNAPSHOTS = 1_000
    OVERLAYS = 16
    LOAD = ("--rw=randread", "--bs=4k", "--iodepth=32", "--time_based")

    def measure(self, bench):
        varve, qcow2 = bench[Varve.name], bench[Qcow2.name]
        volumes = {name: varve.create(name, self.SIZE_GIB) for name in ("plain", "historic")}
        runs = {"varve, no snapshot": [], "varve, 1,000 snapshots": [], "qcow2, 16 overlays": []}
        snapshots = []
        try:
            for name in volumes:
                fill(varve.uri_of(name), self.SIZE_GIB)
            self.take_snapshots(varve, volumes["historic"], snapshots)
            self.push_overlays(qcow2)
            for round_number in range(1, bench.rounds + 1):
                targets = (varve.uri_of("plain"), varve.uri_of("historic"), qcow2.uri)
                for (name, measured), uri in zip(runs.items(), targets):
                    fio(uri, self.SIZE_GIB, *self.LOAD, "--runtime=1")  # into the page cache
                    measured.append(fio(uri, self.SIZE_GIB, *self.LOAD, f"--runtime={bench.seconds}").iops)
                    say(f"{self.name}, round {round_number}: {name} {measured[-1]:,.0f} IOPS")
        finally:
            qcow2.drop_overlays()
            for snapshot in snapshots:
                varve.delete_snapshot(snapshot)
            for volume in volumes.values():
                varve.delete(volume)
        plain, historic, layered = runs.values()
        return [
            self.outcome("itself, no snapshot", per_round(historic, [plain]), "IOPS", runs=runs),
            Outcome(f"{self.name}, against qcow2", "qcow2, 16 overlays", per_round(historic, [layered]), 3.0, 4.0, "IOPS", runs),
        ]

    def take_snapshots(self, varve, volume, snapshots):
        """Snapshots while random writes go on, each writing a few blocks anew between two of them."""
        over = threading.Event()

        def write():
            while not over.is_set():
                fio(
                    varve.uri_of("historic"), self.SIZE_GIB, "--rw=randwrite", "--bs=4k", "--iodepth=8",
                    "--rate_iops=8000", "--time_based", "--runtime=2")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(self.SNAPSHOTS):
                snapshots.append(varve.snapshot(volume))
                time.sleep(0.005)
        finally:
            over.set()
            writer.join()

    def push_overlays(self, qcow2):
        for layer in range(self.OVERLAYS):
            qcow2.push_overlay()
            fio(
                qcow2.uri, self.SIZE_GIB, "--rw=randwrite", "--bs=4k", "--iodepth=32",
                "--number_ios=4096", f"--randseed={layer}")


class TailLatency(Row):
    """The slowest thousandth at half of each one's peak rate, Varve with a snapshot a second and compaction."""

    def measure(self, bench):
        runs = {}
        for server in bench.servers:
            with self.snapshots(server) if server.name == Varve.name else contextlib.nullcontext():
                runs[server.name] = [self.slowest(bench, server)]
            say(f"{self.name}: {server.name} {runs[server.name][0]:,.0f} µs")
        best = min(runs[peer][0] for peer in PEERS)
        ratios = [runs[Varve.name][0] / best]
        return [self.outcome("the better peer, at rest", ratios, "µs", runs=runs, less_is_better=True)]

    def slowest(self, bench, server):
        load = ("--rw=randrw", "--rwmixread=70", "--bs=4k", "--iodepth=32", "--time_based")
        peak = fio(server.uri, server.size_gib, *load, f"--runtime={bench.seconds}").iops
        os.sync()
        rates = f"--rate_iops={int(peak * 0.35)},{int(peak * 0.15)}"
        return fio(server.uri, server.size_gib, *load, rates, f"--runtime={12 * bench.seconds}").slowest_thousandth_us

    @contextlib.contextmanager
    def snapshots(self, varve):
        over = threading.Event()

        def take():
            before = None
            while not over.wait(1):
                taken = varve.snapshot()
                if before:
                    varve.delete_snapshot(before)
                before = taken
            if before:
                varve.delete_snapshot(before)

        taker = threading.Thread(target=take)
        taker.start()
        try:
            yield
        finally:
            over.set()
            taker.join()


class SnapshotCalls(Row):
    """The slowest hundredth of snapshot calls over REST under random writes, by 10 ms and that of flushes meanwhile."""

    ALLOWED_MS = 10
    LOAD = ("--rw=randwrite", "--bs=4k", "--iodepth=32", "--time_based")

    def measure(self, bench):
        varve = bench[Varve.name]
        runs = {name: [] for name in (
            "slowest hundredth of calls", "of flushes", "slowest write with snapshots", "slowest write without")}
        for round_number in range(1, bench.rounds + 1):
            load = (*self.LOAD, f"--runtime={2 * bench.seconds}")
            alone = fio(varve.uri, varve.size_gib, *load)
            calls, flushes, over = [], [], threading.Event()
            taker = threading.Thread(target=self.take, args=(varve, calls, flushes, over))
            taker.start()
            try:
                together = fio(varve.uri, varve.size_gib, *load)
            finally:
                over.set()
                taker.join()
            figures = (hundredth(calls), hundredth(flushes), together.slowest_us / 1e3, alone.slowest_us / 1e3)
            for measured, value in zip(runs.values(), figures):
                measured.append(value)
            say(f"{self.name}, round {round_number}: {figures[0]:.1f} ms, a flush {figures[1]:.1f} ms")
        called, flushed, *_ = runs.values()
        ratios = [call / (self.ALLOWED_MS + flush) for call, flush in zip(called, flushed)]
        return [self.outcome("10 ms and a flush", ratios, "ms", runs=runs, less_is_better=True)]

    def take(self, varve, calls, flushes, over):
        import nbd  # here, so that a missing package is told by check_tools and not by Python

        client = nbd.NBD()
        client.connect_uri(varve.uri)
        while not over.wait(0.05):
            begun = time.monotonic()
            snapshot = varve.snapshot()
            calls.append((time.monotonic() - begun) * 1e3)
            varve.delete_snapshot(snapshot)
            over.wait(0.05)
            begun = time.monotonic()
            client.flush()
            flushes.append((time.monotonic() - begun) * 1e3)
        client.shutdown()


def hundredth(times):
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]


def processor_time(outcomes):
    """The worst of the rows with 4 KiB requests, from what the other rows measured on the way."""
    rows = [(row, [mine / theirs for mine, theirs in zip(row.cpu[Varve.name], row.cpu[Qcow2.name])])
            for row in outcomes if row.unit == "IOPS" and row.against == "the better peer"]
    if not rows:
        return []
    worst, ratios = max(rows, key=lambda row: statistics.median(row[1]))
    return [Outcome(
        f"CPU time per operation: {worst.name}", "qemu-nbd", ratios, 1.0, 0.6, "µs",
        runs={name: [seconds * 1e6 for seconds in of] for name, of in worst.cpu.items()}, less_is_better=True)]


def random_load(way, depth, *more):
    return (f"--rw={way}", "--bs=4k", f"--iodepth={depth}", *more)


ROWS = (
    SameLoad("random write, depth 1", random_load("randwrite", 1), 1.5, 1.8),
    SameLoad("random write, depth 32", random_load("randwrite", 32), 2.3, 3.0),
    SameLoad("random write, flush after each, depth 1", random_load("randwrite", 1, "--fsync=1"), 1.0, 1.2),
    SameLoad("random write, depth 32, flush every 32", random_load("randwrite", 32, "--fsync=32"), 1.5, 2.0),
    SameLoad(
        "four connections, depth 8, flush every 8", random_load("randwrite", 8, "--fsync=8", "--numjobs=4"), 1.5, 2.5),
    SameLoad("random read, depth 1, cached", random_load("randread", 1), 0.85, 1.0),
    SameLoad("random read, depth 32, cached", random_load("randread", 32), 1.3, 1.5),
    SameLoad("random read, depth 1, cold", random_load("randread", 1), 0.9, 1.0, cold=True),
    SameLoad("random read, depth 32, cold", random_load("randread", 32), 0.9, 1.0, cold=True),
    SameLoad("random 70/30, depth 32", random_load("randrw", 32, "--rwmixread=70"), 1.6, 2.0),
    FirstWrites(1, 5.0, 7.0),
    FirstWrites(32, 5.0, 7.0),
    SparseFirstWrites("first writes, each to another 2 MiB", 0.6, 0.9),
    ManySnapshots("random read, depth 32, 1,000 snapshots", 0.95, 1.0),
    SameLoad("sequential read, 1 MiB, depth 8", ("--rw=read", "--bs=1m", "--iodepth=8"), 0.8, 1.2, "MB/s"),
    SameLoad("sequential overwrite, 1 MiB, depth 8", ("--rw=write", "--bs=1m", "--iodepth=8"), 0.6, 1.0, "MB/s"),
    SnapshotCalls("snapshot call under random writes, depth 32", 1.0),
    TailLatency("p99.9 of 70/30 at half the peak rate", 2.0, 1.2),
)
QUICK = (
    "random write, depth 1", "random write, depth 32", "random read, depth 32, cached",
    "first write after a snapshot, depth 1")
