package docker

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// GuestRange is the network that a virtual machine sees on its own card, where it says no other: no address of a drill lies
// in it.
var GuestRange = netip.MustParsePrefix("10.0.2.0/24")

// Kind is containers whose drivers are made by make.
func Kind(make instance.Factory) instance.Kind {
	return instance.Kind{New: make, Settings: decode, Is: "a container", Keys: []string{"env", "command", "data", "capabilities"},
		Traits: instance.Traits{Isolation: instance.Sealed, Boots: instance.Images}}
}

// settings are the keys of an instance that is a container.
type settings struct {
	Env     map[string]scenarios.Secret `yaml:"env"`     // its environment
	Command []string                    `yaml:"command"` // instead of its image's own
	Data    []string                    `yaml:"data"`    // folders on volumes
	// beyond those of every one: SYS_NICE, IPC_LOCK, … None that would open the seal
	Capabilities []string `yaml:"capabilities"`
}

// Own is what only containers are given.
type Own struct {
	// Capabilities that it holds beyond those of every one, as SYS_NICE. Its programs may then gain rights from their files,
	// as far as it holds them.
	Capabilities []string
}

// decode reads the keys of an instance, and asks what it is made of.
func decode(in scenarios.Instance) (instance.Settings, []scenarios.Problem) {
	s := &settings{}
	problems := in.Settings.Decode(s)
	problem := func(path, hint, format string, args ...any) {
		problems = append(problems, in.Settings.Problem(path, hint, format, args...))
	}
	switch image, boot := in.Settings.Has("image"), in.Settings.Has("boot"); {
	case image && boot:
		problem("", "keep image for the engine's own, boot for one in a backup", "has both image and boot")
	case !image && !boot && in.Settings.Has("load"):
		problem("", "add image: the database server that the backup is loaded into", "has no image to load %s into", in.Load)
	case !image && !boot:
		problem("", "add image: of the engine, or boot: a backup", "has neither image nor boot")
	}
	for i, folder := range s.Data {
		if !strings.HasPrefix(folder, "/") || folder == "/" || strings.Contains(folder, "/..") {
			problem("data["+strconv.Itoa(i)+"]", "give its full path within the machine", "%q is not a folder", scenarios.Clip(folder))
		}
	}
	for i, name := range s.Capabilities {
		plain, ok := capability(name)
		if s.Capabilities[i] = plain; !ok {
			problem("capabilities["+strconv.Itoa(i)+"]", "these can be: "+strings.Join(grantable, ", "),
				"%q is not granted: it would open the seal, or there is no such capability", scenarios.Clip(name))
		}
	}
	return s, problems
}

// Fill implements instance.Settings.
func (s *settings) Fill(r *instance.Request, reveal func(scenarios.Secret) (string, error)) error {
	for k, v := range s.Env {
		plain, err := reveal(v)
		if err != nil {
			return fmt.Errorf("set %s of %s: %w", k, r.Name, err)
		}
		r.Env[k] = plain
	}
	r.Command, r.Data = s.Command, append(r.Data, s.Data...)
	if len(s.Capabilities) > 0 {
		r.Own = Own{Capabilities: s.Capabilities}
	}
	return nil
}

// Describe implements instance.Described: what the scenario grants.
func (m *Machine) Describe(context.Context) map[string]string {
	facts := map[string]string{}
	if m.grants() {
		facts["capabilities"] = strings.Join(m.own.Capabilities, ", ")
	}
	return facts
}
