"""Loads by fio's nbd engine."""

import json
from dataclasses import dataclass

from .servers import CannotCompare, run


@dataclass(frozen=True)
class Load:
    """What one run of fio came to, flushes not counted as operations."""

    operations: int
    iops: float
    megabytes_per_second: float
    mean_us: float
    slowest_thousandth_us: float
    slowest_us: float


def fio(uri, size_gib, *options):
    """Runs one job to its end."""
    output = run(
        "fio", "--name=compare", "--ioengine=nbd", f"--uri={uri}", f"--size={size_gib}G", "--group_reporting",
        "--percentile_list=99.9", "--output-format=json", *options)
    job = json.loads(output[output.index("{"):])["jobs"][0]
    if job["error"]:
        raise CannotCompare(f"fio on {uri} ended with error {job['error']}")
    ways = [job[way] for way in ("read", "write") if job[way]["total_ios"]]
    operations = sum(way["total_ios"] for way in ways)
    return Load(
        operations=operations,
        iops=sum(way["iops"] for way in ways),
        megabytes_per_second=sum(way["bw_bytes"] for way in ways) / 1e6,
        mean_us=sum(way["clat_ns"]["mean"] * way["total_ios"] for way in ways) / max(operations, 1) / 1e3,
        slowest_thousandth_us=max((way["clat_ns"].get("percentile", {}).get("99.900000", 0) for way in ways), default=0) / 1e3,
        slowest_us=max((way["clat_ns"]["max"] for way in ways), default=0) / 1e3)


def fill(uri, size_gib):
    fio(uri, size_gib, "--rw=write", "--bs=1m", "--iodepth=8", "--end_fsync=1")


def verify(uri, size_gib, requests):
    """Writes at random and reads it back; fio fails at the first block that is not what was written."""
    fio(
        uri, size_gib, "--rw=randwrite", "--bs=4k", "--iodepth=32", "--verify=crc32c", "--verify_fatal=1",
        "--do_verify=1", "--verify_state_save=0", f"--number_ios={requests}")
