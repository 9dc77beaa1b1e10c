package instance

// ImageFacts are what an image archive says of its image, and what its layers hold of that.
type ImageFacts struct {
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	Dir        string   `json:"dir,omitempty"`  // its working folder
	User       string   `json:"user,omitempty"` // as it is written; "": root
	TCP        []int    `json:"tcp,omitempty"`  // ports that it exposes, sorted
	UDP        []int    `json:"udp,omitempty"`

	// Broken is what keeps its command from being run, in words; the layers may be wrong where volumes lie over them.
	Broken []string `json:"broken,omitempty"`
	// LostDir: the working folder is in no layer, though the image's history says that a layer made it. NoDir: nothing says so, and
	// the engine makes it.
	LostDir bool `json:"lost_dir,omitempty"`
	NoDir   bool `json:"no_dir,omitempty"`
	// NoUsers: it has a distribution's base files, and no /etc/passwd.
	NoUsers bool `json:"no_users,omitempty"`
	// Named are the files that its command names and no layer holds, the first of them; they may be meant to be mounted.
	Named []string `json:"named,omitempty"`
	// Unlooked: it holds too many files for all of this to be known.
	Unlooked bool `json:"unlooked,omitempty"`
}

// With is what they say where a scenario gives another command.
func (f *ImageFacts) With(command []string) *ImageFacts {
	if f == nil || len(command) == 0 {
		return f
	}
	other := *f
	if other.Cmd, other.Named = command, nil; len(f.Entrypoint) == 0 {
		other.Broken = nil
	}
	return &other
}
