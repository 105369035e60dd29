// The options that came with 2.3.
package main

import "github.com/containerd/containerd/v2/pkg/oci"

func init() {
	options["WithRlimit"] = of1(oci.WithRlimit)
	options["WithUmask"] = of1(oci.WithUmask)
}
