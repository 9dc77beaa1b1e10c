package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"lifeboat/drills/record"
	"lifeboat/internal/userfile"
)

// largest is how big a scenario file may be, in bytes.
const largest = 1 << 20

// Document is a scenario file as it is written: a scenario the course of whose
// only incident may stand at the top.
type Document struct {
	Scenario `yaml:",inline"`
	Course   `yaml:",inline"`
}

// Load reads a scenario file, checks all that can be checked without looking
// at backups or hosts, and fills in the defaults. An error is of type Problems
// and holds every problem at once.
func Load(path string) (*Scenario, error) {
	sc, problems := Read(path)
	if len(problems) > 0 {
		return nil, problems
	}
	return sc, nil
}

// Read is Load for whoever has more to check: beside the problems, in the order of the file, it gives as much of the
// scenario as could be understood, nil where that is nothing. With problems it is only good for finding more of them.
func Read(path string) (*Scenario, Problems) {
	path, name := part(path)
	raw, err := readAll(path)
	if err != nil {
		return nil, Problems{{File: path, Message: err.Error(), Hint: "name a scenario file, or lifeboat new writes one"}}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, Problems{{File: path, Message: fmt.Sprintf("find its folder: %s", err)}}
	}
	sc, problems := load(path, dir, raw, name)
	return sc, problems.Sorted(path)
}

// readAll reads a scenario file of bearable size.
func readAll(path string) ([]byte, error) {
	raw, err := userfile.Read(path, largest)
	var cause *os.PathError
	switch {
	case errors.Is(err, userfile.ErrTooLarge):
		return nil, fmt.Errorf("is larger than %s, no scenario is", Size(largest))
	case errors.As(err, &cause):
		return nil, fmt.Errorf("cannot be read: %w", cause.Err)
	}
	return raw, err
}

// load makes a scenario of the bytes of a file, or of one drill of its matrix, or as much of one as can be understood.
func load(file, dir string, raw []byte, name string) (*Scenario, Problems) {
	root, problems := parse(file, raw)
	if len(problems) > 0 {
		return nil, problems
	}
	f := source{file: file, dir: dir, raw: raw, listed: (&decoder{}).lookup(root, keyCatalogue) != nil}
	root, wrong := vary(file, root, name)
	return f.scenario(root, name, wrong)
}

// source is a file that holds scenarios.
type source struct {
	file, dir string
	raw       []byte
	listed    bool // it is a catalogue
}

// scenario makes one of its root, or as much as can be understood; nil: there is none.
func (f source) scenario(root *yaml.Node, name string, wrong Problems) (*Scenario, Problems) {
	file, dir := f.file, f.dir
	if root == nil {
		return nil, wrong
	}
	root, included, bad := include(file, dir, root)
	wrong = append(wrong, bad...)
	asked := f.raw
	if f.listed { // its own entry, and not those beside it
		var of strings.Builder
		(&decoder{file: file, budget: nodeBudget}).asked(root, &of)
		asked = []byte(of.String())
	}
	d := &decoder{file: file, dir: dir, budget: nodeBudget, where: map[string]Pos{},
		bad: map[string]bool{}, secrets: new([]Secret)}
	var doc Document
	d.decode(root, reflect.ValueOf(&doc).Elem(), "")
	if d.spent {
		return nil, append(wrong, d.problems...)
	}
	sc := &doc.Scenario
	sc.File, sc.Dir, sc.secrets, sc.where, sc.bad = file, dir, d.secrets, d.where, d.bad
	if name != "" && sc.Name != "" {
		sc.Name += "-" + name
	}
	r := &review{sc: sc, file: file, problems: append(wrong, d.problems...),
		scripts: map[string][]byte{}, sizes: map[string]int64{}, sums: map[string]string{}}
	maps.Copy(r.scripts, included)
	r.incident(doc.Course)
	r.fill()
	r.all()
	r.ownPorts("", root)
	if len(r.problems) == 0 {
		sc.Digest, sc.files = r.digest(asked, name), r.kept(f.raw)
	}
	return sc, r.problems
}

// review looks for what is wrong between the values of a scenario.
type review struct {
	sc       *Scenario
	file     string
	problems Problems
	scripts  map[string][]byte // files that enter the digest, by their path from the scenario's folder; what it includes is among them
	sizes    map[string]int64
	sums     map[string]string // of files that are put into machines, likewise: SHA-256 in hexadecimal digits
}

// all runs every review.
func (r *review) all() {
	r.names()
	r.backups()
	r.instances()
	r.cycles()
	r.flow()
	r.times()
	r.checks()
	r.steps()
	r.trigger()
	r.incidents()
	r.objectives()
	r.files()
}

// incident makes the keys at the top the only incident.
func (r *review) incident(top Course) {
	for _, key := range []string{"faults", "detect", "decide", "rollback"} {
		if r.given(key) && len(r.sc.Incidents) > 0 {
			r.problem(key, "move it into the list of incidents", "is given beside incidents")
		}
	}
	if len(r.sc.Incidents) == 0 && r.sc.Trigger != record.TriggerNone {
		r.sc.Incidents = []Incident{{Course: top}}
	}
}

// part is the path of a key of the i-th incident.
func (s *Scenario) part(i int, key string) string {
	if s.Given("incidents") {
		return "incidents[" + strconv.Itoa(i) + "]." + key
	}
	return key
}

// given tells whether a value stands in the file.
func (r *review) given(path string) bool { return r.sc.Given(path) }

// problem notes one at a path.
func (r *review) problem(path, hint, format string, args ...any) {
	r.problems = append(r.problems, r.sc.Problem(path, hint, format, args...)...)
}

// Reader reads the drills of files, one after the other, and parses a catalogue of many entries but once. The zero value is ready; not
// safe for concurrent use.
type Reader struct {
	listed *Catalogue
	wrong  Problems // of its list
	plain  string   // the last file that is no catalogue
}

// Read is the function Read, of a file as it was when its first drill was read.
func (r *Reader) Read(path string) (*Scenario, Problems) {
	file, name := part(path)
	if name == "" || file == r.plain {
		return Read(path)
	}
	if r.listed == nil || r.listed.File != file {
		c, wrong := ReadCatalogue(file)
		if c == nil {
			r.plain = file
			return Read(path)
		}
		r.listed, r.wrong = c, wrong
	}
	i := slices.IndexFunc(r.listed.entries, func(e entry) bool { return e.name == name })
	if i < 0 {
		return Read(path)
	}
	s, problems := r.listed.Read(i)
	return s, slices.Concat(r.wrong, problems).Sorted(file)
}
