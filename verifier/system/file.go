package system

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// fileKeys of the scenario.
type fileKeys struct {
	Instance string `yaml:"on"`       // instance; needed
	Path     string `yaml:"path"`     // absolute; needed
	Exists   bool   `yaml:"exists"`   // default true; false: it must not be there
	SHA256   string `yaml:"sha256"`   // 64 digits, as sha256sum prints them
	Contains string `yaml:"contains"` // text that the file holds
}

// file asks for one file. It needs nothing in the instance, so it works in an empty image.
type file struct {
	verifier.Asked
	keys fileKeys
}

type found struct {
	Asked    bool   `json:"asked"`
	Exists   bool   `json:"exists"`
	Size     int    `json:"size"`
	SHA256   string `json:"sha256,omitempty"`
	Contains bool   `json:"contains,omitempty"`
	Error    string `json:"error,omitempty"`
}

var sumPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

func newFile(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &file{keys: fileKeys{Exists: true}}, spec.Settings
	problems := s.Decode(&c.keys)
	k := c.keys
	if k.Instance == "" {
		problems = append(problems, noInstance(s))
	}
	if !strings.HasPrefix(k.Path, "/") {
		problems = append(problems, s.Problem("path", "path: /etc/app/app.conf", "file needs an absolute path"))
	}
	if k.SHA256 != "" && !sumPattern.MatchString(k.SHA256) {
		problems = append(problems, s.Problem("sha256", "64 digits, as sha256sum prints them", "%q is not a digest",
			k.SHA256))
	}
	if !k.Exists && (k.SHA256 != "" || k.Contains != "") {
		problems = append(problems, s.Problem("exists", "", "a file that must not be there has no content"))
	}
	c.Asked = verifier.AskedOf(spec.Name, k.Instance)
	return c, problems
}

// Observe implements verifier.Check.
func (c *file) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	content, err := t.Read(ctx, c.On(), c.keys.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return verifier.Encode("file", found{Asked: true})
	case errors.Is(err, verifier.ErrDown):
		return verifier.Encode("file", found{Error: err.Error()})
	case err != nil:
		return nil, fmt.Errorf("read %s of %s: %w", c.keys.Path, c.On(), err)
	}
	return verifier.Encode("file", found{Asked: true, Exists: true, Size: len(content), SHA256: sum(content),
		Contains: c.keys.Contains != "" && strings.Contains(string(content), c.keys.Contains)})
}

func sum(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }

// Judge implements verifier.Check.
func (c *file) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("file", before, after, c.judge)
}

func (c *file) judge(_ *found, now found) verifier.Answer {
	k := c.keys
	switch {
	case now.Error != "":
		return verifier.Failed("%s on %s: %s", k.Path, c.On(), now.Error)
	case !now.Asked || now.Exists && !sumPattern.MatchString(now.SHA256):
		return verifier.Crashed("%s was not looked for", k.Path)
	case k.Exists && !now.Exists:
		return verifier.Failed("%s is missing on %s", k.Path, c.On())
	case !k.Exists && now.Exists:
		return verifier.Failed("%s is there on %s, %d bytes", k.Path, c.On(), now.Size)
	case !k.Exists:
		return verifier.Passed("%s is not there, as it should be", k.Path)
	case k.SHA256 != "" && now.SHA256 != k.SHA256:
		return verifier.Failed("%s on %s is another one: sha256 %s, not %s", k.Path, c.On(), now.SHA256, k.SHA256)
	case now.Size <= 0 && k.SHA256 == "":
		return verifier.Failed("%s on %s is empty", k.Path, c.On())
	case k.Contains != "" && !now.Contains:
		return verifier.Failed("%s on %s does not contain %q", k.Path, c.On(), k.Contains)
	}
	return verifier.Passed("%s is there, %d bytes", k.Path, now.Size)
}
