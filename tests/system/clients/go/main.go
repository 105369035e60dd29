// Command client calls health over and over, as a client with no option set does.
//
//	client TARGET CALLS METADATA_BYTES[,METADATA_BYTES...]
//	client json TARGET DESCRIPTORS REQUEST
//
// The sizes are taken in turn; 0 is a call without metadata. The second form calls Generate, with the messages in a file of
// descriptors, and prints the answer as protobuf's JSON.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const letters = "abcdefghijklmnopqrstuvwxyz/%_"

func large(size int) string {
	value := make([]byte, size)
	for at := range value {
		value[at] = letters[rand.IntN(len(letters))]
	}
	return string(value)
}

func run(target string, calls int, sizes []int) error {
	// A call cannot be had without saying that nothing is encrypted.
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := grpc_health_v1.NewHealthClient(connection)
	request := &grpc_health_v1.HealthCheckRequest{Service: "liveness"}
	for call := range calls {
		ctx := context.Background()
		if size := sizes[call%len(sizes)]; size > 0 {
			ctx = metadata.AppendToOutgoingContext(ctx, "x-large", large(size))
		}
		answer, err := client.Check(ctx, request)
		if err != nil {
			return fmt.Errorf("call %d: %w", call, err)
		}
		if answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			return fmt.Errorf("call %d: answered %v", call, answer.Status)
		}
	}
	return nil
}

func printJSON(target, descriptors, request string) error {
	bytes, err := os.ReadFile(descriptors)
	if err != nil {
		return err
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(bytes, set); err != nil {
		return err
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return err
	}
	service, err := files.FindDescriptorByName("specd.v1.SpecService")
	if err != nil {
		return err
	}
	method := service.(protoreflect.ServiceDescriptor).Methods().ByName("Generate")
	asked, answer := dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output())
	if err := protojson.Unmarshal([]byte(request), asked); err != nil {
		return err
	}
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.Invoke(context.Background(), "/specd.v1.SpecService/Generate", asked, answer); err != nil {
		return err
	}
	text, err := protojson.Marshal(answer)
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) == 5 && os.Args[1] == "json" {
		if err := printJSON(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			log.Fatal(err)
		}
		return
	}
	if len(os.Args) != 4 {
		log.Fatal("usage: client TARGET CALLS METADATA_BYTES[,METADATA_BYTES...]")
	}
	calls, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var sizes []int
	for _, text := range strings.Split(os.Args[3], ",") {
		size, err := strconv.Atoi(text)
		if err != nil {
			log.Fatal(err)
		}
		sizes = append(sizes, size)
	}
	if err := run(os.Args[1], calls, sizes); err != nil {
		log.Fatal(err)
	}
	fmt.Println(calls, "calls answered")
}
