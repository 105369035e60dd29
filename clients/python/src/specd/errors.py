"""What an error of specd says: its reason, and each field of the request that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from specd.reasons import ErrorReason

__all__ = ["ErrorReason", "SpecdError", "Violation", "decode_error"]

DOMAIN = "specd.v1"


@dataclass(frozen=True)
class Violation:
    """A field of the request, for example `options.process.cwd`, and what is wrong with it."""

    field: str
    description: str


@dataclass(frozen=True)
class SpecdError:
    """A decoded error. `reason` equals one of ErrorReason, or is a newer one as text."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    retry_after_seconds: float | None = None


def decode_error(error: grpc.RpcError) -> SpecdError | None:
    """Decodes the error of a call, sync or asyncio. None if specd did not send it, for example if nothing listens on its socket."""
    status = rpc_status.from_call(error)
    if status is None:
        return None
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        for message in (info, bad, retry):
            detail.Unpack(message)
    if info.domain != DOMAIN:
        return None
    return SpecdError(
        code=error.code(),
        message=status.message,
        reason=info.reason,
        metadata=dict(info.metadata),
        violations=tuple(Violation(v.field, v.description) for v in bad.field_violations),
        retry_after_seconds=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
    )
