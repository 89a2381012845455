#!/usr/bin/python3
"""A disk image to a snapshot and back, by boto3 and the EBS direct APIs.

  direct_api.py upload ENDPOINT IMAGE            prints the id of the snapshot
  direct_api.py download ENDPOINT SNAPSHOT IMAGE
  direct_api.py apply ENDPOINT FIRST SECOND IMAGE  makes an image of FIRST one of SECOND, by what is different
"""

import base64
import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3

BLOCK = 512 * 1024
GIB = 1 << 30
CONNECTIONS = 8


def client(service, endpoint):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )


def sha256(data):
    return hashlib.sha256(data).digest()


def text(digest):
    return base64.b64encode(digest).decode()


def upload(endpoint, image):
    ebs = client("ebs", endpoint)
    size = os.path.getsize(image)
    snapshot = ebs.start_snapshot(VolumeSize=-(-size // GIB), Description="an image", Timeout=10)
    assert snapshot["Status"] == "pending", snapshot
    assert snapshot["BlockSize"] == BLOCK, snapshot
    file = os.open(image, os.O_RDONLY)

    def send(index):
        data = os.pread(file, BLOCK, index * BLOCK)
        if not data.strip(b"\0"):
            return None
        data = data.ljust(BLOCK, b"\0")
        digest = sha256(data)
        answer = ebs.put_snapshot_block(
            SnapshotId=snapshot["SnapshotId"],
            BlockIndex=index,
            BlockData=data,
            DataLength=BLOCK,
            Checksum=text(digest),
            ChecksumAlgorithm="SHA256",
        )
        assert answer["Checksum"] == text(digest), answer
        return digest

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        digests = [digest for digest in threads.map(send, range(-(-size // BLOCK))) if digest]
    answer = ebs.complete_snapshot(
        SnapshotId=snapshot["SnapshotId"],
        ChangedBlocksCount=len(digests),
        Checksum=text(sha256(b"".join(digests))),
        ChecksumAlgorithm="SHA256",
        ChecksumAggregationMethod="LINEAR",
    )
    assert answer["Status"] == "completed", answer
    print(snapshot["SnapshotId"])


def pages(call, **arguments):
    page = call(MaxResults=100, **arguments)
    yield page
    while "NextToken" in page:
        page = call(MaxResults=100, NextToken=page["NextToken"], **arguments)
        yield page


def fetch(ebs, file, snapshot, index, token):
    answer = ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=index, BlockToken=token)
    data = answer["BlockData"].read()
    assert answer["DataLength"] == len(data) == BLOCK, answer
    assert answer["Checksum"] == text(sha256(data)), answer
    os.pwrite(file, data, index * BLOCK)


def download(endpoint, snapshot, image):
    ebs = client("ebs", endpoint)
    file = os.open(image, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    blocks = []
    for page in pages(ebs.list_snapshot_blocks, SnapshotId=snapshot):
        assert page["BlockSize"] == BLOCK, page
        os.truncate(file, page["VolumeSize"] * GIB)
        blocks += page["Blocks"]
    indexes = [block["BlockIndex"] for block in blocks]
    assert indexes == sorted(set(indexes))
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda b: fetch(ebs, file, snapshot, b["BlockIndex"], b["BlockToken"]), blocks))
    print(len(blocks))


def apply(endpoint, first, second, image):
    ebs = client("ebs", endpoint)
    file = os.open(image, os.O_RDWR)
    blocks = []
    for page in pages(ebs.list_changed_blocks, FirstSnapshotId=first, SecondSnapshotId=second):
        blocks += page["ChangedBlocks"]
    for block in blocks:
        if "SecondBlockToken" in block:
            fetch(ebs, file, second, block["BlockIndex"], block["SecondBlockToken"])
        else:
            os.pwrite(file, bytes(BLOCK), block["BlockIndex"] * BLOCK)
    print(len(blocks))


if __name__ == "__main__":
    {"upload": upload, "download": download, "apply": apply}[sys.argv[1]](*sys.argv[2:])
