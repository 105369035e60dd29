"""Calls health over and over, as a client with no option set does.

usage: client.py sync|aio TARGET CALLS METADATA_BYTES[,METADATA_BYTES...]

The sizes are taken in turn; 0 is a call without metadata.
"""

import asyncio
import random
import sys

import grpc

METHOD = "/grpc.health.v1.Health/Check"
REQUEST = b"\x0a\x08liveness"
SERVING = b"\x08\x01"


def metadata(call, sizes):
    size = sizes[call % len(sizes)]
    if size == 0:
        return None
    letters = random.Random(call).choices("abcdefghijklmnopqrstuvwxyz/%_ ", k=size - 1)
    # A value may not end in a space.
    return (("x-large", "".join(letters) + "."),)


def check(call, answer):
    if answer != SERVING:
        sys.exit(f"call {call}: answered {answer!r}")


def sync(target, calls, sizes):
    with grpc.insecure_channel(target) as channel:
        method = channel.unary_unary(METHOD)
        for call in range(calls):
            check(call, method(REQUEST, metadata=metadata(call, sizes)))


async def aio(target, calls, sizes):
    async with grpc.aio.insecure_channel(target) as channel:
        method = channel.unary_unary(METHOD)
        for call in range(calls):
            check(call, await method(REQUEST, metadata=metadata(call, sizes)))


def main():
    kind, target, calls, sizes = sys.argv[1:]
    calls, sizes = int(calls), [int(size) for size in sizes.split(",")]
    if kind == "aio":
        asyncio.run(aio(target, calls, sizes))
    else:
        sync(target, calls, sizes)
    print(calls, "calls answered")


main()
