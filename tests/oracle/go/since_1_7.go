// The options that came with 1.7.
package main

import "github.com/containerd/containerd/v2/pkg/oci"

type rt struct {
	Runtime int64
	Period  uint64
}

func init() {
	options["WithBlockIO"] = of1(oci.WithBlockIO)
	options["WithCPURT"] = of1(func(of rt) oci.SpecOpts { return oci.WithCPURT(of.Runtime, of.Period) })
	options["WithDomainname"] = of1(oci.WithDomainname)
	options["WithLinuxDeviceFollowSymlinks"] = of1(func(of device) oci.SpecOpts {
		return oci.WithLinuxDeviceFollowSymlinks(of.Path, of.Access)
	})
}
