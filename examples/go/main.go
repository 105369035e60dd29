// Command hello goes from an image to a running container: specd makes the spec, containerd runs it.
package main

//go:generate sh generate.sh

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/services/snapshots/v1"
	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	specdv1 "example.com/hello/specd/v1"
)

const (
	specdAddress      = "unix:///run/specd/specd.sock"
	containerdAddress = "unix:///run/containerd/containerd.sock"
	namespace         = "default"
)

// ANCHOR: request
func request(id string, process *specdv1.ProcessOptions) *specdv1.GenerateRequest {
	options := &specdv1.SpecOptions{Process: process}
	return &specdv1.GenerateRequest{
		Image: "busybox", Namespace: namespace, Id: id, Profile: "hardened", Options: options,
	}
}

// ANCHOR_END: request

// run creates the container that the answer describes, runs it to its end and removes it.
func run(ctx context.Context, conn *grpc.ClientConn, id string, answer *specdv1.GenerateResponse) (
	exitCode uint32, output string, err error,
) {
	ctx = metadata.AppendToOutgoingContext(ctx, "containerd-namespace", namespace)
	containerService, snapshotService := containers.NewContainersClient(conn), snapshots.NewSnapshotsClient(conn)
	runtime, snapshot := answer.Container.Runtime, answer.Container.Snapshot

	// ANCHOR: container
	// The container comes first: from then on containerd's garbage collector keeps its snapshot.
	_, err = containerService.Create(ctx, &containers.CreateContainerRequest{Container: &containers.Container{
		ID: id, Image: answer.Image.Name, Labels: answer.Container.Labels, Spec: answer.Spec,
		Runtime:     &containers.Container_Runtime{Name: runtime.Name, Options: runtime.Options},
		Snapshotter: snapshot.Snapshotter, SnapshotKey: id,
	}})
	// ANCHOR_END: container
	if err != nil {
		return 0, "", err
	}
	defer func() {
		_, failed := containerService.Delete(ctx, &containers.DeleteContainerRequest{ID: id})
		err = errors.Join(err, failed)
	}()

	prepared, err := snapshotService.Prepare(ctx, &snapshots.PrepareSnapshotRequest{
		Snapshotter: snapshot.Snapshotter, Key: id, Parent: snapshot.Parent, Labels: snapshot.Labels,
	})
	if err != nil {
		return 0, "", err
	}
	defer func() {
		_, failed := snapshotService.Remove(ctx, &snapshots.RemoveSnapshotRequest{
			Snapshotter: snapshot.Snapshotter, Key: id,
		})
		err = errors.Join(err, failed)
	}()
	return runTask(ctx, tasks.NewTasksClient(conn), id, prepared.Mounts, answer.Container.Terminal)
}

func runTask(ctx context.Context, client tasks.TasksClient, id string, mounts []*types.Mount, terminal bool) (
	uint32, string, error,
) {
	directory, err := os.MkdirTemp("", "hello")
	if err != nil {
		return 0, "", err
	}
	defer os.RemoveAll(directory)
	file := filepath.Join(directory, "output")
	_, err = client.Create(ctx, &tasks.CreateTaskRequest{
		ContainerID: id, Rootfs: mounts, Stdout: "file://" + file, Stderr: "file://" + file, Terminal: terminal,
	})
	if err != nil {
		return 0, "", err
	}
	ended := &tasks.WaitResponse{}
	_, err = client.Start(ctx, &tasks.StartRequest{ContainerID: id})
	if err == nil {
		ended, err = client.Wait(ctx, &tasks.WaitRequest{ContainerID: id})
	}
	_, failed := client.Delete(ctx, &tasks.DeleteTaskRequest{ContainerID: id})
	if err := errors.Join(err, failed); err != nil {
		return 0, "", err
	}
	// All output is in the file once the task is deleted.
	output, err := os.ReadFile(file)
	return ended.ExitStatus, string(output), err
}

// ANCHOR: errors
// printError prints the reason of specd's error, and each field of the request that is wrong.
func printError(err error) {
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			fmt.Println("error:", detail.Reason)
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations {
				fmt.Printf("  %s: %s\n", violation.Field, violation.Description)
			}
		}
	}
}

// ANCHOR_END: errors

func hello(ctx context.Context) error {
	plaintext := grpc.WithTransportCredentials(insecure.NewCredentials())
	specdConn, err := grpc.NewClient(specdAddress, plaintext)
	if err != nil {
		return err
	}
	defer specdConn.Close()
	containerdConn, err := grpc.NewClient(containerdAddress, plaintext)
	if err != nil {
		return err
	}
	defer containerdConn.Close()

	health, err := grpc_health_v1.NewHealthClient(specdConn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return err
	}
	fmt.Println("health:", health.Status)

	id, specd := "hello-go", specdv1.NewSpecServiceClient(specdConn)
	command := &specdv1.StringList{Values: []string{"sh", "-c", "echo hello from Go; exit 7"}}
	answer, err := specd.Generate(ctx, request(id, &specdv1.ProcessOptions{Command: command}))
	if err != nil {
		return err
	}
	exitCode, output, err := run(ctx, containerdConn, id, answer)
	if err != nil {
		return err
	}
	fmt.Printf("output: %sexit code: %d\n", output, exitCode)

	wrong := &specdv1.ProcessOptions{Cwd: proto.String("srv"), OomScoreAdj: proto.Int32(5000)}
	if _, err = specd.Generate(ctx, request(id, wrong)); err == nil {
		return errors.New("an invalid request was answered")
	}
	printError(err)
	return nil
}

func main() {
	if err := hello(context.Background()); err != nil {
		log.Fatal(err)
	}
}
