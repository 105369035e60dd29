// The options that came with 2.0.
package main

import (
	"context"

	"github.com/containerd/containerd/v2/core/containers"
	containerdcdi "github.com/containerd/containerd/v2/pkg/cdi"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/log"
	"tags.cncf.io/container-device-interface/pkg/cdi"
)

// Device names, and the directories with the specifications that have them.
type cdiDevices struct{ Dirs, Devices []string }

func init() {
	// A specification that is broken on purpose is told with each call.
	if err := log.SetLevel("error"); err != nil {
		panic(err)
	}
	options["WithCPUBurst"] = of1(oci.WithCPUBurst)
	options["WithCDIDevices"] = of1(func(of cdiDevices) oci.SpecOpts {
		return func(ctx context.Context, client oci.Client, c *containers.Container, s *oci.Spec) error {
			if err := cdi.Configure(cdi.WithAutoRefresh(false), cdi.WithSpecDirs(of.Dirs...)); err != nil {
				return err
			}
			return containerdcdi.WithCDIDevices(of.Devices...)(ctx, client, c, s)
		}
	})
}
