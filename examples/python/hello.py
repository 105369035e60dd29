"""From an image to a running container: specd makes the spec, containerd runs it."""

import os
import sys
import tempfile

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_status import rpc_status

from containerd.services.containers.v1 import containers_pb2 as containers
from containerd.services.containers.v1.containers_pb2_grpc import ContainersStub
from containerd.services.snapshots.v1 import snapshots_pb2 as snapshots
from containerd.services.snapshots.v1.snapshots_pb2_grpc import SnapshotsStub
from containerd.services.tasks.v1 import tasks_pb2 as tasks
from containerd.services.tasks.v1.tasks_pb2_grpc import TasksStub
from specd.v1.generate_pb2 import GenerateRequest, GenerateResponse
from specd.v1.spec_service_pb2_grpc import SpecServiceStub

SPECD = "unix:///run/specd/specd.sock"
CONTAINERD = "unix:///run/containerd/containerd.sock"
NAMESPACE = "default"
METADATA = [("containerd-namespace", NAMESPACE)]


# ANCHOR: request
def request(id: str, *command: str) -> GenerateRequest:
    made = GenerateRequest(image="busybox", namespace=NAMESPACE, id=id, profile="hardened")
    made.options.process.command.values.extend(command)
    return made
# ANCHOR_END: request


def run(containerd: grpc.Channel, id: str, answer: GenerateResponse) -> tuple[int, str]:
    """Creates the container that the answer describes, runs it to its end and removes it."""
    container_service, snapshot_service = ContainersStub(containerd), SnapshotsStub(containerd)
    container, snapshot = answer.container, answer.container.snapshot

    # ANCHOR: container
    # The container comes first: from then on containerd's garbage collector keeps its snapshot.
    created = containers.Container(
        id=id,
        image=answer.image.name,
        labels=container.labels,
        spec=answer.spec,
        runtime=containers.Container.Runtime(
            name=container.runtime.name, options=container.runtime.options
        ),
        snapshotter=snapshot.snapshotter,
        snapshot_key=id,
    )
    # ANCHOR_END: container
    container_service.Create(
        containers.CreateContainerRequest(container=created), metadata=METADATA
    )
    try:
        prepare = snapshots.PrepareSnapshotRequest(
            snapshotter=snapshot.snapshotter,
            key=id,
            parent=snapshot.parent,
            labels=snapshot.labels,
        )
        mounts = snapshot_service.Prepare(prepare, metadata=METADATA).mounts
        try:
            return run_task(TasksStub(containerd), id, mounts, container.terminal)
        finally:
            remove = snapshots.RemoveSnapshotRequest(snapshotter=snapshot.snapshotter, key=id)
            snapshot_service.Remove(remove, metadata=METADATA)
    finally:
        container_service.Delete(containers.DeleteContainerRequest(id=id), metadata=METADATA)


def run_task(task_service: TasksStub, id: str, mounts, terminal: bool) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as directory:
        log = os.path.join(directory, "output")
        create = tasks.CreateTaskRequest(
            container_id=id,
            rootfs=mounts,
            stdout=f"file://{log}",
            stderr=f"file://{log}",
            terminal=terminal,
        )
        task_service.Create(create, metadata=METADATA)
        try:
            task_service.Start(tasks.StartRequest(container_id=id), metadata=METADATA)
            ended = task_service.Wait(tasks.WaitRequest(container_id=id), metadata=METADATA)
        finally:
            task_service.Delete(tasks.DeleteTaskRequest(container_id=id), metadata=METADATA)
        # All output is in the file once the task is deleted.
        with open(log) as output:
            return ended.exit_status, output.read()


# ANCHOR: errors
def print_error(error: grpc.RpcError) -> None:
    """Prints the reason of specd's error, and each field of the request that is wrong."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            print(f"error: {info.reason}")
        elif detail.Unpack(bad):
            for violation in bad.field_violations:
                print(f"  {violation.field}: {violation.description}")
# ANCHOR_END: errors


def main() -> None:
    with grpc.insecure_channel(SPECD) as specd, grpc.insecure_channel(CONTAINERD) as containerd:
        health = HealthStub(specd).Check(HealthCheckRequest())
        print(f"health: {HealthCheckResponse.ServingStatus.Name(health.status)}")

        id = "hello-python"
        service = SpecServiceStub(specd)
        answer = service.Generate(request(id, "sh", "-c", "echo hello from Python; exit 7"))
        exit_code, output = run(containerd, id, answer)
        print(f"output: {output}exit code: {exit_code}")

        wrong = request(id, "true")
        wrong.options.process.cwd = "srv"
        wrong.options.process.oom_score_adj = 5000
        try:
            service.Generate(wrong)
        except grpc.RpcError as error:
            print_error(error)
        else:
            sys.exit("an invalid request was answered")


if __name__ == "__main__":
    main()
