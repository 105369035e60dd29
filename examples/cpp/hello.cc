// From an image to a running container: specd makes the spec, containerd runs it.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>

#include <grpcpp/grpcpp.h>

#include "containerd/services/containers/v1/containers.grpc.pb.h"
#include "containerd/services/snapshots/v1/snapshots.grpc.pb.h"
#include "containerd/services/tasks/v1/tasks.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "specd/v1/spec_service.grpc.pb.h"

namespace containers = containerd::services::containers::v1;
namespace snapshots = containerd::services::snapshots::v1;
namespace tasks = containerd::services::tasks::v1;
namespace health = grpc::health::v1;

const char* const kSpecd = "unix:///run/specd/specd.sock";
const char* const kContainerd = "unix:///run/containerd/containerd.sock";
const char* const kNamespace = "default";

std::shared_ptr<grpc::Channel> Connect(const char* target) {
    return grpc::CreateChannel(target, grpc::InsecureChannelCredentials());
}

// Makes a call and returns its answer, or throws the status.
template <typename Stub, typename Request, typename Response>
Response Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request) {
    grpc::ClientContext context;
    context.AddMetadata("containerd-namespace", kNamespace);  // specd does not read it
    Response response;
    grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) throw status;
    return response;
}

// Does something at the end of a block, also when that ends with an error.
class AtEnd {
  public:
    explicit AtEnd(std::function<void()> action) : action_(std::move(action)) {}
    ~AtEnd() {
        try {
            action_();
        } catch (const grpc::Status& status) {
            std::cerr << "cleanup: " << status.error_message() << "\n";
        }
    }

  private:
    std::function<void()> action_;
};

// ANCHOR: request
specd::v1::GenerateRequest Request(const std::string& id) {
    specd::v1::GenerateRequest request;
    request.set_image("busybox");
    request.set_namespace_(kNamespace);
    request.set_id(id);
    request.set_profile("hardened");
    return request;
}
// ANCHOR_END: request

// Creates the container that the answer describes, runs it to its end and removes it.
void Run(const std::string& id, const specd::v1::GenerateResponse& answer) {
    auto channel = Connect(kContainerd);
    containers::Containers::Stub container_stub(channel);
    snapshots::Snapshots::Stub snapshot_stub(channel);
    tasks::Tasks::Stub task_stub(channel);
    const auto& made = answer.container();
    const auto& snapshot = made.snapshot();

    // ANCHOR: container
    // The container comes first: from then on containerd's garbage collector keeps its snapshot.
    containers::CreateContainerRequest create;
    auto& container = *create.mutable_container();
    container.set_id(id);
    container.set_image(answer.image().name());
    *container.mutable_labels() = made.labels();
    *container.mutable_spec() = answer.spec();
    container.mutable_runtime()->set_name(made.runtime().name());
    *container.mutable_runtime()->mutable_options() = made.runtime().options();
    container.set_snapshotter(snapshot.snapshotter());
    container.set_snapshot_key(id);
    Call(container_stub, &containers::Containers::Stub::Create, create);
    // ANCHOR_END: container
    AtEnd delete_container([&] {
        containers::DeleteContainerRequest request;
        request.set_id(id);
        Call(container_stub, &containers::Containers::Stub::Delete, request);
    });

    snapshots::PrepareSnapshotRequest prepare;
    prepare.set_snapshotter(snapshot.snapshotter());
    prepare.set_key(id);
    prepare.set_parent(snapshot.parent());
    *prepare.mutable_labels() = snapshot.labels();
    auto prepared = Call(snapshot_stub, &snapshots::Snapshots::Stub::Prepare, prepare);
    AtEnd remove_snapshot([&] {
        snapshots::RemoveSnapshotRequest request;
        request.set_snapshotter(snapshot.snapshotter());
        request.set_key(id);
        Call(snapshot_stub, &snapshots::Snapshots::Stub::Remove, request);
    });

    std::string directory = std::filesystem::temp_directory_path() / "hello-XXXXXX";
    if (mkdtemp(directory.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    AtEnd remove_directory([&] { std::filesystem::remove_all(directory); });
    std::string file = directory + "/output";
    tasks::CreateTaskRequest task;
    task.set_container_id(id);
    *task.mutable_rootfs() = prepared.mounts();
    task.set_stdout("file://" + file);
    task.set_stderr("file://" + file);
    task.set_terminal(made.terminal());
    uint32_t exit_code;
    Call(task_stub, &tasks::Tasks::Stub::Create, task);
    {
        AtEnd delete_task([&] {
            tasks::DeleteTaskRequest request;
            request.set_container_id(id);
            Call(task_stub, &tasks::Tasks::Stub::Delete, request);
        });
        tasks::StartRequest start;
        start.set_container_id(id);
        Call(task_stub, &tasks::Tasks::Stub::Start, start);
        tasks::WaitRequest wait;
        wait.set_container_id(id);
        exit_code = Call(task_stub, &tasks::Tasks::Stub::Wait, wait).exit_status();
    }
    // All output is in the file once the task is deleted.
    std::cout << "output: " << std::ifstream(file).rdbuf() << "exit code: " << exit_code << "\n";
}

// ANCHOR: errors
// Prints the reason of specd's error, and each field of the request that is wrong.
void PrintError(const grpc::Status& error) {
    google::rpc::Status status;
    status.ParseFromString(error.error_details());
    for (const auto& detail : status.details()) {
        google::rpc::ErrorInfo info;
        google::rpc::BadRequest bad;
        if (detail.UnpackTo(&info)) std::cout << "error: " << info.reason() << "\n";
        if (!detail.UnpackTo(&bad)) continue;
        for (const auto& violation : bad.field_violations())
            std::cout << "  " << violation.field() << ": " << violation.description() << "\n";
    }
}
// ANCHOR_END: errors

int main() try {
    auto channel = Connect(kSpecd);
    health::Health::Stub health_stub(channel);
    auto health = Call(health_stub, &health::Health::Stub::Check, health::HealthCheckRequest());
    std::cout << "health: " << health::HealthCheckResponse::ServingStatus_Name(health.status()) << "\n";

    std::string id = "hello-cpp";
    specd::v1::SpecService::Stub specd_stub(channel);
    auto request = Request(id);
    for (const char* word : {"sh", "-c", "echo hello from C++; exit 7"})
        request.mutable_options()->mutable_process()->mutable_command()->add_values(word);
    Run(id, Call(specd_stub, &specd::v1::SpecService::Stub::Generate, request));

    auto wrong = Request(id);
    wrong.mutable_options()->mutable_process()->set_cwd("srv");
    wrong.mutable_options()->mutable_process()->set_oom_score_adj(5000);
    try {
        Call(specd_stub, &specd::v1::SpecService::Stub::Generate, wrong);
        throw std::runtime_error("an invalid request was answered");
    } catch (const grpc::Status& error) {
        PrintError(error);
    }
} catch (const grpc::Status& status) {
    std::cerr << "error: " << status.error_message() << "\n";
    return 1;
}
