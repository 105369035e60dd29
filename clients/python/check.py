"""Uses the installed package: an answer, and a decoded error."""

import grpc

from specd.errors import ErrorReason, decode_error
from specd.v1.generate_pb2 import GenerateRequest
from specd.v1.spec_service_pb2_grpc import SpecServiceStub


def main() -> None:
    with grpc.insecure_channel("unix:///run/specd/specd.sock") as channel:
        service = SpecServiceStub(channel)
        request = GenerateRequest(image="busybox", namespace="default", id="package", profile="hardened")
        print(service.Generate(request).spec.type_url)
        request.options.process.cwd = "srv"
        request.options.process.oom_score_adj = 5000
        try:
            service.Generate(request)
        except grpc.RpcError as error:
            decoded = decode_error(error)
            assert decoded is not None and decoded.reason == ErrorReason.INVALID_REQUEST
            print(decoded.code.name, decoded.reason)
            for violation in decoded.violations:
                print(f"{violation.field}: {violation.description}")


if __name__ == "__main__":
    main()
