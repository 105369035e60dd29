#!/usr/bin/env python3
"""Many images for .ci/bench, and requests for them, on standard output.

    images.py layout DIRECTORY FROM TO   a tar with an OCI layout of the images with these numbers, made from the one of the layout
                                         in DIRECTORY: each has its own manifest and configuration, and all have its layers
    images.py requests COUNT ORDER       requests for the first COUNT images, each behind its length, as ghz reads them; ORDER is
                                         `once` (each image one time), `uniform` or `zipf` (random ones, the same each time)
    images.py namespaces COUNT           requests for the image of DIRECTORY in the first COUNT namespaces, each one time
"""

import hashlib
import io
import json
import random
import sys
import tarfile
from pathlib import Path

# How many requests a random sequence has. ghz repeats it.
RANDOM = 50_000


def name(number: int) -> str:
    return f"docker.io/library/hello-{number:05}:latest"


def layout(directory: Path, numbers: range) -> None:
    def read(descriptor: dict) -> bytes:
        return (directory / "blobs/sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()

    [image] = json.loads((directory / "index.json").read_text())["manifests"]
    manifest = json.loads(read(image))
    config = json.loads(read(manifest["config"]))
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:

        def add(path: str, data: bytes) -> None:
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))

        def blob(descriptor: dict, content: dict) -> dict:
            data = json.dumps(content).encode()
            digest = hashlib.sha256(data).hexdigest()
            add(f"blobs/sha256/{digest}", data)
            return {**descriptor, "digest": f"sha256:{digest}", "size": len(data)}

        add("oci-layout", (directory / "oci-layout").read_bytes())
        for layer in manifest["layers"]:
            add("blobs/sha256/" + layer["digest"].removeprefix("sha256:"), read(layer))
        copies = []
        for number in numbers:
            env = [*config["config"]["Env"], f"NUMBER={number:05}"]
            own = blob(manifest["config"], {**config, "config": {**config["config"], "Env": env}})
            copy = blob(image, {**manifest, "config": own})
            copies.append({**copy, "annotations": {"io.containerd.image.name": name(number)}})
        add("index.json", json.dumps({"schemaVersion": 2, "manifests": copies}).encode())


def request(image: str, namespace: str) -> bytes:
    """A GenerateRequest: image, namespace, id and profile are its first fields."""
    message = b""
    for field, text in enumerate([image, namespace, "bench", "containerd-2.4"], start=1):
        message += bytes([field << 3 | 2, len(text)]) + text.encode()
    assert len(message) < 128, "the length takes one byte"
    return bytes([len(message)]) + message


def sequence(count: int, order: str) -> list[int]:
    if order == "once":
        return list(range(count))
    weights = {"uniform": [1] * count, "zipf": [1 / (rank + 1) for rank in range(count)]}[order]
    return random.Random(1).choices(range(count), weights, k=RANDOM)


match sys.argv[1:]:
    case ["layout", directory, first, last]:
        layout(Path(directory), range(int(first), int(last) + 1))
    case ["requests", count, order]:
        sys.stdout.buffer.writelines(request(name(number), "default") for number in sequence(int(count), order))
    case ["namespaces", count]:
        image = "docker.io/library/hello:latest"
        sys.stdout.buffer.writelines(request(image, f"team-{number:02}") for number in range(int(count)))
    case _:
        sys.exit("usage: see the comment at the top of images.py")
