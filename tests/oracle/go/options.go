// The options that every release has, by the names under which they are asked for.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/contrib/apparmor"
	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// A maker reads the arguments of an option.
type maker func(args json.RawMessage, image oci.Image) (oci.SpecOpts, error)

// of1 is an option of one argument.
func of1[T any](option func(T) oci.SpecOpts) maker {
	return func(args json.RawMessage, _ oci.Image) (oci.SpecOpts, error) {
		var value T
		if err := json.Unmarshal(args, &value); err != nil {
			return nil, err
		}
		return option(value), nil
	}
}

// of0 is an option without arguments.
func of0(option oci.SpecOpts) maker {
	return func(json.RawMessage, oci.Image) (oci.SpecOpts, error) { return option, nil }
}

type idMaps struct{ UID, GID []specs.LinuxIDMapping }
type cfs struct {
	Quota  int64
	Period uint64
}
type rdt struct{ ClosID, L3, MemBw string }
type device struct{ Path, ContainerPath, Access string }

// Three have no name in pkg/oci. `spec` lays a part of a spec into it. The others make of its parts what WithImageConfig makes of an image's own:
// `entrypointAlone` runs the entrypoint without any command, `userWithGroups` is a user and the groups
// that list it.
var options = map[string]maker{
	"image": func(_ json.RawMessage, image oci.Image) (oci.SpecOpts, error) {
		return oci.WithImageConfig(image), nil
	},
	"imageArgs": func(args json.RawMessage, image oci.Image) (oci.SpecOpts, error) {
		var list []string
		err := json.Unmarshal(args, &list)
		return oci.WithImageConfigArgs(image, list), err
	},
	"entrypointAlone": func(_ json.RawMessage, image oci.Image) (oci.SpecOpts, error) {
		return entrypointAlone(image), nil
	},
	"userWithGroups": of1(userWithGroups),
	"spec":           of1(lay),

	"WithProcessArgs":            of1(func(args []string) oci.SpecOpts { return oci.WithProcessArgs(args...) }),
	"WithProcessCwd":             of1(oci.WithProcessCwd),
	"WithEnv":                    of1(oci.WithEnv),
	"WithEnvFile":                of1(oci.WithEnvFile),
	"WithDefaultPathEnv":         of0(oci.WithDefaultPathEnv),
	"WithTTY":                    of0(oci.WithTTY),
	"WithTTYSize":                of1(func(size [2]int) oci.SpecOpts { return oci.WithTTYSize(size[0], size[1]) }),
	"WithNewPrivileges":          of0(oci.WithNewPrivileges),
	"WithNoNewPrivileges":        of0(oci.WithNoNewPrivileges),
	"WithUser":                   of1(oci.WithUser),
	"WithUserID":                 of1(oci.WithUserID),
	"WithUsername":               of1(oci.WithUsername),
	"WithUIDGID":                 of1(func(ids [2]uint32) oci.SpecOpts { return oci.WithUIDGID(ids[0], ids[1]) }),
	"WithAdditionalGIDs":         of1(oci.WithAdditionalGIDs),
	"WithAppendAdditionalGroups": of1(func(groups []string) oci.SpecOpts { return oci.WithAppendAdditionalGroups(groups...) }),

	"WithCapabilities":           of1(oci.WithCapabilities),
	"WithAddedCapabilities":      of1(oci.WithAddedCapabilities),
	"WithDroppedCapabilities":    of1(oci.WithDroppedCapabilities),
	"WithAmbientCapabilities":    of1(oci.WithAmbientCapabilities),
	"WithAllKnownCapabilities":   of0(oci.WithAllKnownCapabilities),
	"WithAllCurrentCapabilities": of0(oci.WithAllCurrentCapabilities),
	"WithPrivileged":             of0(oci.WithPrivileged),
	"WithSelinuxLabel":           of1(oci.WithSelinuxLabel),
	"WithApparmorProfile":        of1(oci.WithApparmorProfile),
	"apparmorProfile":            of1(apparmor.WithProfile),
	"WithSeccompUnconfined":      of0(oci.WithSeccompUnconfined),
	"seccompDefault":             of0(seccomp.WithDefaultProfile()),
	"seccompProfile":             of1(seccomp.WithProfile),

	"WithRootFSReadonly":    of0(oci.WithRootFSReadonly()),
	"WithRootFSPath":        of1(oci.WithRootFSPath),
	"WithHostname":          of1(oci.WithHostname),
	"WithMounts":            of1(oci.WithMounts),
	"WithoutMounts":         of1(func(paths []string) oci.SpecOpts { return oci.WithoutMounts(paths...) }),
	"WithoutRunMount":       of0(oci.WithoutRunMount),
	"WithDevShmSize":        of1(oci.WithDevShmSize),
	"WithHostHostsFile":     of0(oci.WithHostHostsFile),
	"WithHostResolvconf":    of0(oci.WithHostResolvconf),
	"WithHostLocaltime":     of0(oci.WithHostLocaltime),
	"WithWriteableSysfs":    of0(oci.WithWriteableSysfs),
	"WithWriteableCgroupfs": of0(oci.WithWriteableCgroupfs),
	"WithMaskedPaths":       of1(oci.WithMaskedPaths),
	"WithReadonlyPaths":     of1(oci.WithReadonlyPaths),

	"WithHostNamespace":    of1(oci.WithHostNamespace),
	"WithLinuxNamespace":   of1(oci.WithLinuxNamespace),
	"WithUserNamespace":    of1(func(maps idMaps) oci.SpecOpts { return oci.WithUserNamespace(maps.UID, maps.GID) }),
	"WithCgroup":           of1(oci.WithCgroup),
	"WithNamespacedCgroup": of0(oci.WithNamespacedCgroup()),
	"WithAnnotations":      of1(oci.WithAnnotations),

	"WithMemoryLimit": of1(oci.WithMemoryLimit),
	"WithMemorySwap":  of1(oci.WithMemorySwap),
	"WithPidsLimit":   of1(oci.WithPidsLimit),
	"WithCPUShares":   of1(oci.WithCPUShares),
	"WithCPUs":        of1(oci.WithCPUs),
	"WithCPUsMems":    of1(oci.WithCPUsMems),
	"WithCPUCFS":      of1(func(of cfs) oci.SpecOpts { return oci.WithCPUCFS(of.Quota, of.Period) }),
	"WithRdt":         of1(func(of rdt) oci.SpecOpts { return oci.WithRdt(of.ClosID, of.L3, of.MemBw) }),

	"WithAllDevicesAllowed":      of0(oci.WithAllDevicesAllowed),
	"WithDefaultUnixDevices":     of0(oci.WithDefaultUnixDevices),
	"WithHostDevices":            of0(oci.WithHostDevices),
	"WithParentCgroupDevices":    of0(oci.WithParentCgroupDevices),
	"WithLinuxDevices":           of1(oci.WithLinuxDevices),
	"WithLinuxDevice":            of1(func(of device) oci.SpecOpts { return oci.WithLinuxDevice(of.Path, of.Access) }),
	"WithDevices":                of1(func(of device) oci.SpecOpts { return oci.WithDevices(of.Path, of.ContainerPath, of.Access) }),
	"WithSpecFromBytes":          of1(func(text string) oci.SpecOpts { return oci.WithSpecFromBytes([]byte(text)) }),
	"WithDefaultSpecForPlatform": of1(oci.WithDefaultSpecForPlatform),
}

// lay decodes a part of a spec over it; a field that this release's types do not have is not in this release.
func lay(part json.RawMessage) oci.SpecOpts {
	return func(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) error {
		decoder := json.NewDecoder(bytes.NewReader(part))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(s)
		if err != nil && strings.Contains(err.Error(), "unknown field") {
			return fmt.Errorf("%s: not in this release", err)
		}
		return err
	}
}

func entrypointAlone(image oci.Image) oci.SpecOpts {
	return func(ctx context.Context, client oci.Client, c *containers.Container, s *oci.Spec) error {
		desc, err := image.Config(ctx)
		if err != nil {
			return err
		}
		reader, err := image.ContentStore().ReaderAt(ctx, desc)
		if err != nil {
			return err
		}
		defer reader.Close()
		text := make([]byte, reader.Size())
		if _, err := reader.ReadAt(text, 0); err != nil {
			return err
		}
		var config ocispec.Image
		if err := json.Unmarshal(text, &config); err != nil {
			return err
		}
		return oci.WithProcessArgs(config.Config.Entrypoint...)(ctx, client, c, s)
	}
}

func userWithGroups(user string) oci.SpecOpts {
	return func(ctx context.Context, client oci.Client, c *containers.Container, s *oci.Spec) error {
		if err := oci.WithUser(user)(ctx, client, c, s); err != nil {
			return err
		}
		uid := strconv.FormatUint(uint64(s.Process.User.UID), 10)
		return oci.WithAdditionalGIDs(uid)(ctx, client, c, s)
	}
}
