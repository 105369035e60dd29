// The oracle of seccomp policies: what Docker's own code makes of a policy on this host, and what Go makes
// of a filter that it reads and writes.
//
// Lines of JSON in, one line out for each. The first line out says what this host is.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

type question struct {
	// A policy in Docker's format, or else a filter of the runtime specification.
	Docker   json.RawMessage `json:"docker"`
	Filter   json.RawMessage `json:"filter"`
	Bounding []string        `json:"bounding"`
}

type answer struct {
	Filter *specs.LinuxSeccomp `json:"filter,omitempty"`
	Error  string              `json:"error,omitempty"`
}

func answerTo(line []byte) (a answer) {
	defer func() {
		if cause := recover(); cause != nil {
			a = answer{Error: fmt.Sprint("panic: ", cause)}
		}
	}()
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return answer{Error: err.Error()}
	}
	var err error
	if q.Docker != nil {
		capabilities := &specs.LinuxCapabilities{Bounding: q.Bounding}
		spec := &specs.Spec{Process: &specs.Process{Capabilities: capabilities}}
		a.Filter, err = seccomp.LoadProfile(string(q.Docker), spec)
	} else {
		err = json.Unmarshal(q.Filter, &a.Filter)
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	return a
}

func main() {
	out := json.NewEncoder(os.Stdout)
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out.Encode(map[string]string{"architecture": runtime.GOARCH, "kernel": string(release)})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		out.Encode(answerTo(lines.Bytes()))
	}
}
