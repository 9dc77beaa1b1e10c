package scenarios

import (
	"fmt"
	"strings"
)

// StopStep stops an instance.
type StopStep string

func (s StopStep) String() string { return fmt.Sprintf("stop %s", string(s)) }

// Traits implements Action.
func (s StopStep) Traits() Traits { return Traits{On: string(s), Done: "stopped"} }

func (s StopStep) review(r *review, at string) { r.instance(at, string(s)) }

// StartStep starts an instance that was stopped.
type StartStep string

func (s StartStep) String() string { return fmt.Sprintf("start %s", string(s)) }

// Traits implements Action.
func (s StartStep) Traits() Traits { return Traits{On: string(s), Done: "ready"} }

func (s StartStep) review(r *review, at string) { r.instance(at, string(s)) }

// RebootStep has an instance start again, its own kernel included.
type RebootStep string

func (s RebootStep) String() string { return fmt.Sprintf("reboot %s", string(s)) }

// Traits implements Action.
func (s RebootStep) Traits() Traits { return Traits{On: string(s), Begun: "booting"} }

func (s RebootStep) review(r *review, at string) { r.instance(at, string(s)) }

// DestroyStep destroys an instance with its data.
type DestroyStep string

func (s DestroyStep) String() string { return fmt.Sprintf("destroy %s", string(s)) }

// Traits implements Action.
func (s DestroyStep) Traits() Traits {
	return Traits{On: string(s), Done: "destroyed", Fresh: true, Changes: true}
}

func (s DestroyStep) review(r *review, at string) { r.instance(at, string(s)) }

// RestoreStep loads an instance's backup again.
type RestoreStep string

func (s RestoreStep) String() string { return fmt.Sprintf("restore %s", string(s)) }

// Traits implements Action.
func (s RestoreStep) Traits() Traits { return Traits{On: string(s), Rebuilt: true, Changes: true} }

func (s RestoreStep) review(r *review, at string) {
	r.instance(at, string(s))
	if in, ok := r.sc.Instances[string(s)]; ok && len(in.Load) == 0 {
		r.problem(at, "boot it instead, or give the instance a backup under load", "%s has no backup that is loaded", string(s))
	}
}

// BootStep boots an instance: from its restore point, or from another image.
type BootStep struct {
	Instance string            `yaml:"instance" jsonschema:"required"`
	Image    string            `yaml:"image"` // the new version's image of the engine; or
	From     string            `yaml:"from"`  // the backup that holds it; neither: the instance's own
	Env      map[string]Secret `yaml:"env"`   // added to the instance's own
	Command  []string          `yaml:"command"`
	// the backup that is loaded into it this time, or several, instead of its own: another way back
	Load     Loads `yaml:"load"`
	KeepData bool  `yaml:"keep_data"` // on the old data
	// with keep_data: folders of the instance's data: whose volume is removed, and made anew as the image has it
	DropData []string `yaml:"drop_data"`
}

func (s *BootStep) String() string {
	dropped := strings.Join(s.DropData, ", ")
	switch v := s.Image + s.From; {
	case v != "" && len(s.Load) > 0:
		return fmt.Sprintf("boot %s as %s with %s", s.Instance, v, s.Load)
	case len(s.Load) > 0:
		return fmt.Sprintf("boot %s with %s", s.Instance, s.Load)
	case v != "" && dropped != "":
		return fmt.Sprintf("boot %s as %s on the old data but for %s", s.Instance, v, dropped)
	case dropped != "":
		return fmt.Sprintf("boot %s on the old data but for %s", s.Instance, dropped)
	case v != "" && s.KeepData:
		return fmt.Sprintf("boot %s as %s on the old data", s.Instance, v)
	case v != "":
		return fmt.Sprintf("boot %s as %s", s.Instance, v)
	case s.KeepData:
		return fmt.Sprintf("boot %s on the old data", s.Instance)
	}
	return fmt.Sprintf("boot %s", s.Instance)
}

// Traits implements Action.
func (s *BootStep) Traits() Traits {
	return Traits{On: s.Instance, Begun: "booting", Reads: append([]string{s.From}, s.Load...), Fresh: true, Rebuilt: true, Changes: true}
}

func (s *BootStep) review(r *review, at string) {
	if r.given(at + ".instance") {
		r.instance(at+".instance", s.Instance)
	} else {
		r.instance(at, s.Instance)
	}
	r.backup(at+".from", s.From)
	if s.Image != "" && s.From != "" {
		r.problem(at, "keep image for the engine's own, from for one in a backup", "has both image and from")
	}
	if len(s.DropData) > 0 && !s.KeepData {
		r.problem(at+".drop_data", "add keep_data: true, or delete it", "all data are new without keep_data")
	}
	if len(s.Load) > 0 {
		r.loads(at+".load", s.Load)
		r.otherLoads(at+".load", s)
	}
}

// otherLoads checks that a step loads other backups than an instance's own only where they take the place of those.
func (r *review) otherLoads(at string, s *BootStep) {
	switch own := r.sc.Instances[s.Instance].Load; {
	case s.KeepData:
		r.problem(at, "delete one of both", "nothing is loaded onto the old data")
	case len(own) == 0:
		r.problem(at, "give the instance a backup under load, or boot it from: another one", "%s has no backup that is loaded", s.Instance)
	case r.sc.MaxSkew > 0 || len(own) > 1:
		r.problem(at, "delete it, or give each backup an instance of its own and leave max_skew out",
			"the backups of %s belong together, and nobody would look at how far apart these are", s.Instance)
	}
}
