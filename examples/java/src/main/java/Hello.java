import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import containerd.services.containers.v1.ContainersGrpc;
import containerd.services.containers.v1.ContainersOuterClass.*;
import containerd.services.containers.v1.ContainersOuterClass.Container;
import containerd.services.snapshots.v1.SnapshotsGrpc;
import containerd.services.snapshots.v1.SnapshotsOuterClass.*;
import containerd.services.tasks.v1.TasksGrpc;
import containerd.services.tasks.v1.TasksOuterClass.*;
import containerd.types.MountOuterClass.Mount;
import io.grpc.*;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import specd.v1.*;

/** From an image to a running container: specd makes the spec, containerd runs it. */
final class Hello {
    private static final String SPECD = "unix:///run/specd/specd.sock";
    private static final String CONTAINERD = "unix:///run/containerd/containerd.sock";
    private static final String NAMESPACE = "default";

    private static ManagedChannel connect(String target) {
        return Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
    }

    private static Channel withNamespace(Channel channel) {
        Metadata metadata = new Metadata();
        metadata.put(
                Metadata.Key.of("containerd-namespace", Metadata.ASCII_STRING_MARSHALLER), NAMESPACE);
        return ClientInterceptors.intercept(
                channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    // ANCHOR: request
    private static GenerateRequest request(String id, ProcessOptions.Builder process) {
        return GenerateRequest.newBuilder()
                .setImage("busybox")
                .setNamespace(NAMESPACE)
                .setId(id)
                .setProfile("hardened")
                .setOptions(SpecOptions.newBuilder().setProcess(process))
                .build();
    }
    // ANCHOR_END: request

    /** Creates the container that the answer describes, runs it to its end and removes it. */
    private static void run(Channel channel, String id, GenerateResponse answer) throws IOException {
        var containers = ContainersGrpc.newBlockingStub(channel);
        var snapshots = SnapshotsGrpc.newBlockingStub(channel);
        var snapshot = answer.getContainer().getSnapshot();
        var runtime = answer.getContainer().getRuntime();

        // ANCHOR: container
        // The container comes first: from then on containerd's garbage collector keeps its snapshot.
        var container =
                Container.newBuilder()
                        .setId(id)
                        .setImage(answer.getImage().getName())
                        .putAllLabels(answer.getContainer().getLabelsMap())
                        .setSpec(answer.getSpec())
                        .setRuntime(
                                Container.Runtime.newBuilder()
                                        .setName(runtime.getName())
                                        .setOptions(runtime.getOptions()))
                        .setSnapshotter(snapshot.getSnapshotter())
                        .setSnapshotKey(id);
        containers.create(CreateContainerRequest.newBuilder().setContainer(container).build());
        // ANCHOR_END: container
        try {
            var prepare =
                    PrepareSnapshotRequest.newBuilder()
                            .setSnapshotter(snapshot.getSnapshotter())
                            .setKey(id)
                            .setParent(snapshot.getParent())
                            .putAllLabels(snapshot.getLabelsMap());
            List<Mount> mounts = snapshots.prepare(prepare.build()).getMountsList();
            try {
                runTask(channel, id, mounts, answer.getContainer().getTerminal());
            } finally {
                snapshots.remove(
                        RemoveSnapshotRequest.newBuilder()
                                .setSnapshotter(snapshot.getSnapshotter())
                                .setKey(id)
                                .build());
            }
        } finally {
            containers.delete(DeleteContainerRequest.newBuilder().setId(id).build());
        }
    }

    private static void runTask(Channel channel, String id, List<Mount> mounts, boolean terminal)
            throws IOException {
        var tasks = TasksGrpc.newBlockingStub(channel);
        Path file = Files.createTempDirectory("hello").resolve("output");
        var create =
                CreateTaskRequest.newBuilder()
                        .setContainerId(id)
                        .addAllRootfs(mounts)
                        .setStdout("file://" + file)
                        .setStderr("file://" + file)
                        .setTerminal(terminal);
        tasks.create(create.build());
        int exitCode;
        try {
            tasks.start(StartRequest.newBuilder().setContainerId(id).build());
            exitCode = tasks.wait(WaitRequest.newBuilder().setContainerId(id).build()).getExitStatus();
        } finally {
            tasks.delete(DeleteTaskRequest.newBuilder().setContainerId(id).build());
        }
        // All output is in the file once the task is deleted.
        System.out.printf("output: %sexit code: %d%n", Files.readString(file), exitCode);
        Files.delete(file);
        Files.delete(file.getParent());
    }

    // ANCHOR: errors
    /** Prints the reason of specd's error, and each field of the request that is wrong. */
    private static void print(StatusRuntimeException error) throws IOException {
        var status = StatusProto.fromThrowable(error);
        for (var detail : status.getDetailsList()) {
            if (detail.is(ErrorInfo.class)) {
                System.out.println("error: " + detail.unpack(ErrorInfo.class).getReason());
            } else if (detail.is(BadRequest.class)) {
                for (var violation : detail.unpack(BadRequest.class).getFieldViolationsList()) {
                    System.out.printf(
                            "  %s: %s%n", violation.getField(), violation.getDescription());
                }
            }
        }
    }
    // ANCHOR_END: errors

    public static void main(String[] arguments) throws IOException {
        ManagedChannel specd = connect(SPECD);
        ManagedChannel containerd = connect(CONTAINERD);
        var health = HealthGrpc.newBlockingStub(specd).check(HealthCheckRequest.getDefaultInstance());
        System.out.println("health: " + health.getStatus());

        String id = "hello-java";
        var service = SpecServiceGrpc.newBlockingStub(specd);
        List<String> words = List.of("sh", "-c", "echo hello from Java; exit 7");
        var command = StringList.newBuilder().addAllValues(words);
        var answer = service.generate(request(id, ProcessOptions.newBuilder().setCommand(command)));
        run(withNamespace(containerd), id, answer);

        try {
            var wrong = ProcessOptions.newBuilder().setCwd("srv").setOomScoreAdj(5000);
            service.generate(request(id, wrong));
            throw new AssertionError("an invalid request was answered");
        } catch (StatusRuntimeException error) {
            print(error);
        }
        specd.shutdownNow();
        containerd.shutdownNow();
    }
}
