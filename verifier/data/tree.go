package data

import (
	"maps"
	"path"
	"slices"
	"strconv"

	"lifeboat/drills/record"
	"lifeboat/internal/tree"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// treeKeys of the scenario.
type treeKeys struct {
	Instance string `yaml:"on" jsonschema:"required"` // the instance into which a tree of files was restored
	Path     string `yaml:"path"`                     // the folder of the tree; default: each that was restored into the instance
	// manifest in the scenario's folder, as lifeboat profile --files or sha256sum writes it; default: the one beside the backup, else a
	// SHA256SUMS at the top of the tree
	File      string            `yaml:"file"`
	Ignore    []string          `yaml:"ignore"`     // paths that are not looked at, such as cache/** or *.lock
	MayChange []string          `yaml:"may_change"` // paths of files whose content, size and time may be others
	Without   []string          `yaml:"without"`    // attributes that are not looked at: mode, owner, time, xattrs, sparse
	Shrink    scenarios.Percent `yaml:"shrink"`     // share of files and bytes that may go from one proof to the next; default 10%
}

// treeCheck holds a restored tree of files against its manifest, and against the last proof.
type treeCheck struct {
	verifier.Asked
	keys treeKeys
	dir  string // of the scenario
}

// OfTrees implements verifier.OfTrees.
func (treeCheck) OfTrees() {}

type forest struct {
	Trees []grove `json:"trees"`
}

// grove is a tree that was read where it lies.
type grove struct {
	Folder  string           `json:"folder"`
	Only    tree.Pick        `json:"only,omitempty"` // it is a part of its backup
	Totals  tree.Totals      `json:"totals"`
	Lost    map[string]int64 `json:"lost,omitempty"` // paths of what this host did not take
	LeftOut int64            `json:"left_out,omitempty"`
	Later   bool             `json:"later,omitempty"` // the instance had worked on it
	// Against says what it is held against: manifest, list (of digests alone), or nothing; Name and Digest, which one that is.
	Against  string         `json:"against,omitempty"`
	Name     string         `json:"name,omitempty"`
	Digest   string         `json:"digest,omitempty"`
	Compared *tree.Compared `json:"compared,omitempty"`
	Own      bool           `json:"own,omitempty"`    // the list lies in the tree, and may name some of it
	Unread   string         `json:"unread,omitempty"` // why its manifest cannot be read
	// Was is what the last proof found, of that drill, and whether of another restore point.
	Was     *tree.Totals `json:"was,omitempty"`
	Drill   string       `json:"drill,omitempty"`
	Another bool         `json:"another,omitempty"`
}

// What a tree is held against.
const (
	byManifest = "manifest"
	byList     = "list"
)

// mostLines of differences that are kept and printed.
const mostLines = 10

func newTree(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &treeCheck{keys: treeKeys{Shrink: usualShrink}}, spec.Settings
	problems := s.Decode(&c.keys)
	if c.keys.Instance == "" && len(problems) == 0 {
		problems = append(problems, s.Problem("on", "name the instance, on: app", "a tree lies in an instance"))
	}
	for key, patterns := range map[string][]string{"ignore": c.keys.Ignore, "may_change": c.keys.MayChange} {
		for _, p := range patterns {
			if _, err := path.Match(p, ""); err != nil || p == "" {
				problems = append(problems, s.Problem(key, "write it like *.lock, cache/** or var/*.log", "%q is not a pattern", p))
			}
		}
	}
	for _, what := range c.keys.Without {
		if !slices.Contains(tree.Attributes(), what) {
			problems = append(problems, s.Problem("without", "mode, owner, time, xattrs or sparse", "%q is no attribute that can be left out", what))
		}
	}
	if slices.Contains(c.keys.Ignore, "**") || slices.Contains(c.keys.Ignore, "*") {
		problems = append(problems, s.Problem("ignore", "name what may differ", "nothing would be looked at"))
	}
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Refers implements verifier.Referring: a manifest is what lies beside a backup, as a profile does.
func (c *treeCheck) Refers() bool { return c.keys.File == "" }

// Judge implements verifier.Check.
func (c *treeCheck) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("tree", before, after, c.judge)
}

func (c *treeCheck) judge(_ *forest, now forest) verifier.Answer {
	if len(now.Trees) == 0 {
		return verifier.Crashed("no tree of files was restored into %s: name an instance that loads a backup of restore: {kind: files}", c.On())
	}
	var beside []record.Observation
	var worst verifier.Answer
	for _, g := range now.Trees {
		a := c.one(g)
		if worst.Status == "" || a.Status != record.CheckPassed && (worst.Status == record.CheckPassed || a.Status == record.CheckFailed) {
			worst = a
		}
		beside = append(beside, c.beside(g)...)
	}
	worst.Beside = append(worst.Beside, beside...)
	return worst
}

func (c *treeCheck) one(g grove) verifier.Answer {
	if g.Totals.Files == 0 {
		return verifier.Failed("the tree in %s holds not one file", g.Folder)
	}
	if g.Totals.Bytes == 0 {
		return verifier.Failed("the tree in %s holds %d files and not one byte", g.Folder, g.Totals.Files)
	}
	if g.Unread != "" {
		return verifier.Crashed("the manifest %s of %s cannot be read: %s", g.Name, g.Folder, g.Unread)
	}
	if g.Compared != nil && len(g.Compared.First) > 0 {
		return differs(g)
	}
	if g.Was != nil && g.Another && !g.Later {
		if a, shrunk := c.shrunk(g); shrunk {
			return a
		}
	}
	for _, what := range slices.Sorted(maps.Keys(g.Lost)) {
		if what != tree.LostDevice && !slices.Contains(c.keys.Without, tree.Xattr) {
			return verifier.Crashed("%d paths in %s were restored without %s, which this host did not take (say without: [xattrs] where it does not matter)",
				g.Lost[what], g.Folder, what)
		}
	}
	switch {
	case g.Against != "" && (g.Compared == nil || g.Compared.Looked == 0):
		return verifier.Crashed("nothing in %s was held against %s", g.Folder, g.Name)
	case g.Against == byManifest:
		return verifier.Passed("%d paths in %s are what %s says: %d files, %s", g.Compared.Looked, g.Folder, g.Name, g.Totals.Files, mib(g.Totals.Bytes))
	case g.Against == byList:
		return verifier.Passed("%d files in %s have the digests of %s: %s", g.Compared.Looked, g.Folder, g.Name, mib(g.Totals.Bytes))
	}
	return verifier.Passed("%d files in %s were read back as the backup has them: %s", g.Totals.Files, g.Folder, mib(g.Totals.Bytes))
}

// differs says the first difference.
func differs(g grove) verifier.Answer {
	d := g.Compared.First[0]
	switch d.What {
	case tree.Missing:
		return verifier.Failed("%s is missing in %s, and %s has it", d.Path, g.Folder, g.Name)
	case tree.Extra:
		return verifier.Failed("%s is there in %s, and %s has it not", d.Path, g.Folder, g.Name)
	}
	return verifier.Failed("%s in %s differs from %s: its %s is %s and was %s", d.Path, g.Folder, g.Name, d.What, orNone(d.Now), orNone(d.Was))
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func (c *treeCheck) shrunk(g grove) (verifier.Answer, bool) {
	most := 1 - c.keys.Shrink.Share()
	switch {
	case float64(g.Totals.Files) < float64(g.Was.Files)*most:
		return verifier.Failed("%s holds %d files and held %d in the proof %s: it may not lose so many", g.Folder, g.Totals.Files, g.Was.Files, g.Drill), true
	case float64(g.Totals.Bytes) < float64(g.Was.Bytes)*most:
		return verifier.Failed("%s holds %d bytes and held %d in the proof %s: it may not lose so many", g.Folder, g.Totals.Bytes, g.Was.Bytes, g.Drill), true
	}
	return verifier.Answer{}, false
}

// beside is what is worth reading of a tree and decides nothing.
func (c *treeCheck) beside(g grove) []record.Observation {
	var all []record.Observation
	add := func(id string, args ...string) { all = append(all, observed(id, append(args, "folder", g.Folder)...)) }
	if g.Compared != nil {
		for i, d := range g.Compared.First {
			if i > 0 {
				add("tree.differs", "path", d.Path, "what", d.What, "was", orNone(d.Was), "now", orNone(d.Now))
			}
		}
		var n int64
		for _, count := range g.Compared.Counts {
			n += count
		}
		if n > 1 {
			for _, what := range slices.Sorted(maps.Keys(g.Compared.Counts)) {
				add("tree.count", "what", what, "count", strconv.FormatInt(g.Compared.Counts[what], 10))
			}
		}
		if g.Compared.Ignored > 0 {
			add("tree.ignored", "count", strconv.FormatInt(g.Compared.Ignored, 10))
		}
	}
	if n := g.LeftOut + g.Lost[tree.LostDevice]; n > 0 {
		add("tree.left_out", "count", strconv.FormatInt(n, 10))
	}
	if g.Later {
		add("tree.later")
	}
	switch {
	case g.Against == byManifest:
	case g.Own:
		add("unlooked.tree", "few_files", "few_files", "folders", "folders", "contents", "contents", "attributes", "attributes")
	case g.Against == byList:
		add("unlooked.tree", "folders", "folders", "attributes", "attributes")
	case g.Was != nil:
		add("unlooked.tree", "few_files", "few_files", "folders", "folders", "contents", "contents", "attributes", "attributes", "stale", "stale")
	default:
		add("unlooked.tree", "few_files", "few_files", "folders", "folders", "files", "files", "contents", "contents", "attributes", "attributes", "stale", "stale")
	}
	return all
}
