// The oracle: what one release of containerd's Go client answers, asked over standard input.
//
// A line in is a question, a line out its answer, both JSON. An answer's spec is what json.Marshal
// writes, byte for byte.
//
// The source is shared by all releases: the script `build` beside it takes the release's go.mod, and for
// the releases before 2.0 the import paths of that time.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// A question: an image, its account files and what to do with them; or only who is there.
type question struct {
	// Whoever asks only wants to know which release this is.
	Hello bool `json:"hello"`

	// The image's configuration: as it stands, as a string, or as base 64 where it is no text.
	Config   json.RawMessage `json:"config"`
	Raw      *string         `json:"raw"`
	ConfigB  []byte          `json:"config64"`
	Passwd   *string         `json:"passwd"`
	PasswdB  []byte          `json:"passwd64"`
	Group    *string         `json:"group"`
	GroupB   []byte          `json:"group64"`
	Platform string          `json:"platform"`

	Namespace string `json:"namespace"`
	ID        string `json:"id"`

	// A spec that is stored, and the part of it that is wanted with the options applied; instead of an image.
	Stored json.RawMessage `json:"stored"`
	Part   string          `json:"part"`

	// The options, in the order in which they are applied.
	Ops []op `json:"ops"`
}

// An option by its name, and what it is given.
type op struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
}

func (q *question) config() []byte {
	switch {
	case q.Raw != nil:
		return []byte(*q.Raw)
	case q.ConfigB != nil:
		return q.ConfigB
	default:
		return q.Config
	}
}

// The content of an account file, and whether the image has it.
func file(text *string, bytes []byte) ([]byte, bool) {
	if text != nil {
		return []byte(*text), true
	}
	return bytes, bytes != nil
}

// writeRoot puts the account files, and no others, under a root.
func (q *question) writeRoot(root string) error {
	for name, pair := range map[string]struct {
		text  *string
		bytes []byte
	}{"passwd": {q.Passwd, q.PasswdB}, "group": {q.Group, q.GroupB}} {
		path := filepath.Join(root, "etc", name)
		content, there := file(pair.text, pair.bytes)
		if !there {
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return err
			}
			continue
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// The release that was linked, as the linker knows it.
func release() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if strings.TrimSuffix(module.Path, "/v2") == "github.com/containerd/containerd" {
				return module.Version
			}
		}
	}
	return "unknown"
}

// answer writes one line for one question.
func answer(line []byte, root string, out *bufio.Writer) error {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return fmt.Errorf("the question cannot be read: %w", err)
	}
	if q.Hello {
		fmt.Fprintf(out, "{\"release\":%q}\n", release())
		return out.Flush()
	}
	if err := q.writeRoot(root); err != nil {
		return err
	}
	make := generate
	if q.Part != "" {
		make = part
	}
	spec, err := make(&q, root)
	if err != nil {
		text, _ := json.Marshal(strings.ReplaceAll(err.Error(), root, "ROOT"))
		fmt.Fprintf(out, "{\"error\":%s}\n", text)
		return out.Flush()
	}
	fmt.Fprintf(out, "{\"spec\":%s}\n", spec)
	return out.Flush()
}

func run() error {
	root, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := answer(line, root, out); err != nil {
				return err
			}
		}
		if err != nil {
			return nil // the end of the input
		}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}
