// The peer that .ci/bench compares specd with: a gRPC server with the method Generate of specd's own proto, in which each call
// asks containerd's Go client for the image and calls oci.GenerateSpec with oci.WithImageConfig.
//
//	peer ADDRESS CONTAINERD_SOCKET ROOT
//
// An address is tcp://127.0.0.1:7000 or unix:///run/peer.sock. ROOT is an unpacked root file system with the image's account
// files: the peer need not prepare and mount a snapshot for each call, which would cost it much more.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// raw hands the bytes of messages through: the two messages have few fields, and reading them by hand is the fastest way.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(message.([]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

type server struct {
	client *containerd.Client
	root   string
}

func (s *server) generate(ctx context.Context, request []byte) ([]byte, error) {
	image, namespace, id, err := read(request)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	ctx = namespaces.WithNamespace(ctx, namespace)
	found, err := s.client.GetImage(ctx, image)
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	spec, err := oci.GenerateSpec(ctx, s.client, &containers.Container{ID: id}, oci.WithRootFSPath(s.root),
		oci.WithImageConfig(found), oci.WithRootFSPath("rootfs"))
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	anyOfSpec := protowire.AppendTag(nil, 1, protowire.BytesType)
	anyOfSpec = protowire.AppendString(anyOfSpec, "types.containerd.io/opencontainers/runtime-spec/1/Spec")
	anyOfSpec = protowire.AppendTag(anyOfSpec, 2, protowire.BytesType)
	anyOfSpec = protowire.AppendBytes(anyOfSpec, text)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), anyOfSpec), nil
}

// read takes the image, the namespace and the id out of a GenerateRequest.
func read(request []byte) (image, namespace, id string, err error) {
	for len(request) > 0 {
		number, kind, n := protowire.ConsumeTag(request)
		if n < 0 {
			return "", "", "", protowire.ParseError(n)
		}
		request = request[n:]
		if n = protowire.ConsumeFieldValue(number, kind, request); n < 0 {
			return "", "", "", protowire.ParseError(n)
		}
		if kind == protowire.BytesType {
			text, _ := protowire.ConsumeString(request)
			switch number {
			case 1:
				image = text
			case 2:
				namespace = text
			case 3:
				id = text
			}
		}
		request = request[n:]
	}
	return image, namespace, id, nil
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: peer ADDRESS CONTAINERD_SOCKET ROOT")
	}
	client, err := containerd.New(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	network, address, _ := strings.Cut(os.Args[1], "://")
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	s := &server{client, os.Args[3]}
	grpcServer := grpc.NewServer(grpc.ForceServerCodecV2(raw{}))
	grpcServer.RegisterService(&grpc.ServiceDesc{
		ServiceName: "specd.v1.SpecService",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "Generate",
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				var request []byte
				if err := decode(&request); err != nil {
					return nil, err
				}
				return s.generate(ctx, request)
			},
		}},
	}, s)
	fmt.Println("ready")
	log.Fatal(grpcServer.Serve(listener))
}
