// This file is put into the package of Docker's daemon, because what makes a spec is not exported.
package daemon

import (
	"context"
	"encoding/json"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/container"
	"github.com/docker/docker/daemon/config"
	"github.com/docker/docker/daemon/network"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// SpecOf is the spec that a daemon makes for a container, before its network and its volumes. The daemon has no flags, and what is
// given of a daemon.json.
func SpecOf(id, rootfs string, file json.RawMessage, image *containertypes.Config, host *containertypes.HostConfig) (*specs.Spec, error) {
	cfg, err := config.New()
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(file, cfg); err != nil {
		return nil, err
	}
	store := &configStore{Config: *cfg}
	daemon := &Daemon{linkIndex: newLinkIndex()}
	daemon.configStore.Store(store)
	if host.NetworkMode == "" {
		host.NetworkMode = "default"
	}
	if image.Hostname == "" && !host.NetworkMode.IsHost() {
		image.Hostname = id[:12]
	}
	if err := daemon.adaptContainerSettings(&store.Config, host); err != nil {
		return nil, err
	}
	ctr := container.NewBaseContainer(id, rootfs)
	ctr.BaseFS = rootfs
	ctr.Config, ctr.HostConfig = image, host
	ctr.Path, ctr.Args = getEntrypointAndArgs(image.Entrypoint, image.Cmd)
	ctr.NetworkSettings = &network.Settings{Networks: map[string]*network.EndpointSettings{}}
	if err := daemon.parseSecurityOpt(&store.Config, &ctr.SecurityOptions, host); err != nil {
		return nil, err
	}
	return daemon.createSpec(context.Background(), store, ctr, nil)
}
