// A part of a stored spec with options applied to it: the process of an exec, or limits.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func init() {
	// What ctr does with the arguments of an exec: the terminal is the exec's own.
	options["execArgs"] = of1(func(args []string) oci.SpecOpts {
		return func(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) error {
			s.Process.Args = args
			s.Process.Terminal = false
			return nil
		}
	})
}

// part answers with a part of the stored spec as json.Marshal writes it.
func part(q *question, root string) (out []byte, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			out, err = nil, fmt.Errorf("panic: %v", reason)
		}
	}()
	var spec oci.Spec
	if err := json.Unmarshal(q.Stored, &spec); err != nil {
		return nil, err
	}
	spec.Root = &specs.Root{Path: root} // where users are looked up
	container := &containers.Container{ID: q.ID}
	ctx := namespaces.WithNamespace(context.Background(), q.Namespace)
	for _, op := range q.Ops {
		read, known := options[op.Op]
		if !known {
			return nil, fmt.Errorf("%s: not in this release", op.Op)
		}
		opt, err := read(op.Args, &image{})
		if err != nil {
			return nil, fmt.Errorf("%s: the arguments cannot be read: %w", op.Op, err)
		}
		if err := opt(ctx, client{}, container, &spec); err != nil {
			return nil, err
		}
	}
	switch q.Part {
	case "process":
		return json.Marshal(spec.Process)
	case "resources":
		return json.Marshal(spec.Linux.Resources)
	}
	return nil, fmt.Errorf("%s is no part that is known", q.Part)
}
