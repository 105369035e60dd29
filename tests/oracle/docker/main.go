// The oracle of Docker: the specs that its own daemon makes, without a daemon.
//
// Lines of JSON in, one line out for each. The configurations of the image, the host and the daemon are Docker's own types.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/daemon"
	"github.com/opencontainers/runtime-spec/specs-go"
)

type question struct {
	ID     string                    `json:"id"`
	Image  containertypes.Config     `json:"image"`
	Host   containertypes.HostConfig `json:"host"`
	Daemon json.RawMessage           `json:"daemon"`
	Passwd string                    `json:"passwd"`
	Group  string                    `json:"group"`
}

type answer struct {
	Spec  *specs.Spec `json:"spec,omitempty"`
	Error string      `json:"error,omitempty"`
}

func answerTo(line []byte) (*specs.Spec, error) {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return nil, err
	}
	rootfs, err := os.MkdirTemp("", "specd-docker-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(rootfs)
	if err := os.Mkdir(filepath.Join(rootfs, "etc"), 0o755); err != nil {
		return nil, err
	}
	for name, content := range map[string]string{"passwd": q.Passwd, "group": q.Group} {
		if err := os.WriteFile(filepath.Join(rootfs, "etc", name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	spec, err := daemon.SpecOf(q.ID, rootfs, q.Daemon, &q.Image, &q.Host)
	if err == nil && spec.Root.Path == rootfs {
		spec.Root.Path = "/mount/point"
	}
	return spec, err
}

func main() {
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		spec, err := answerTo(lines.Bytes())
		a := answer{Spec: spec}
		if err != nil {
			a = answer{Error: err.Error()}
		}
		out.Encode(a)
	}
}
