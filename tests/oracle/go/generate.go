// One spec: the image in memory, the options in their order.
package main

import (
	"bytes"
	"context"
	_ "crypto/sha256" // what blobs are named by
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// generate answers with the spec as json.Marshal writes it. A panic of an option is an error.
func generate(q *question, root string) (spec []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			spec, err = nil, fmt.Errorf("panic: %v", reason)
		}
	}()
	img := &image{config: q.config()}
	opts := []oci.SpecOpts{oci.WithRootFSPath(root)}
	for _, op := range q.Ops {
		read, known := options[op.Op]
		if !known {
			return nil, fmt.Errorf("%s: not in this release", op.Op)
		}
		opt, err := read(op.Args, img)
		if err != nil {
			return nil, fmt.Errorf("%s: the arguments cannot be read: %w", op.Op, err)
		}
		opts = append(opts, opt)
	}
	opts = append(opts, relativeRoot(root), withoutThermalThrottle)

	platform := q.Platform
	if platform == "" {
		platform = "linux/amd64"
	}
	ctx := namespaces.WithNamespace(context.Background(), q.Namespace)
	made, err := oci.GenerateSpecWithPlatform(ctx, client{}, platform, &containers.Container{ID: q.ID}, opts...)
	if err != nil {
		return nil, err
	}
	return json.Marshal(made)
}

// relativeRoot puts back the path that GenerateSpec sets: users are looked up under an absolute one.
func relativeRoot(root string) oci.SpecOpts {
	return func(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) error {
		if s.Root.Path == root {
			s.Root.Path = "rootfs"
		}
		return nil
	}
}

// withoutThermalThrottle takes out what depends on the machine that this runs on.
func withoutThermalThrottle(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) error {
	if s.Linux == nil || s.Linux.MaskedPaths == nil {
		return nil
	}
	kept := []string{}
	for _, path := range s.Linux.MaskedPaths {
		if !strings.HasPrefix(path, "/sys/devices/system/cpu/") || !strings.HasSuffix(path, "/thermal_throttle") {
			kept = append(kept, path)
		}
	}
	s.Linux.MaskedPaths = kept
	return nil
}

// client has no snapshots: a container without a snapshot key reads its users below the root's path.
type client struct{}

func (client) SnapshotService(string) snapshots.Snapshotter { return nil }

// image is an image of which only the configuration exists.
type image struct{ config []byte }

func (i *image) Config(context.Context) (ocispec.Descriptor, error) {
	return ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageConfig,
		Digest:    digest.FromBytes(i.config),
		Size:      int64(len(i.config)),
	}, nil
}

func (i *image) ContentStore() content.Store { return &store{blob: i.config} }

// store holds one blob; whatever else is asked of it ends in the nil interface.
type store struct {
	content.Store
	blob []byte
}

func (s *store) ReaderAt(_ context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	if desc.Digest != digest.FromBytes(s.blob) {
		return nil, errors.New("there is no such blob")
	}
	return &reader{bytes.NewReader(s.blob)}, nil
}

type reader struct{ *bytes.Reader }

func (r *reader) Close() error { return nil }

var _ io.ReaderAt = (*reader)(nil)
