// Command client calls health over and over, as a client with no option set does.
//
//	client TARGET CALLS METADATA_BYTES[,METADATA_BYTES...]
//
// The sizes are taken in turn; 0 is a call without metadata.
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

func main() {
	log.SetFlags(0)
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
