package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/internal/canonical"
)

// most bytes of what is read whole; what is larger is digested as it streams.
const (
	mostJournal  = 512 << 20
	mostManifest = 32 << 20
	mostEnvelope = 4 << 20
)

// problem is a sentence of the catalogue, audit.ID.
func problem(id string, args ...string) record.Reason {
	r := record.Reason{ID: "audit." + id, Args: map[string]string{}}
	for i := 0; i+1 < len(args); i += 2 {
		r.Args[args[i]] = args[i+1]
	}
	return r
}

// held holds a drill's folder against its manifest: every file that is named is there and is what it was, the journal's chain is whole, and
// what the journal says, judged again, is what was sealed. It gives what the sealed part of the journal says. build is that which judges again.
func held(dir fs.FS, m *Manifest, build string) (j judged, problems []record.Reason) {
	add := func(id string, args ...string) {
		problems = append(problems, problem(id, append(args, "drill", m.Drill)...))
	}
	for _, f := range m.Files {
		most := int64(-1)
		if f.Path == journalName {
			most = m.Journal.Bytes
		}
		in, err := dir.Open(f.Path)
		if err != nil {
			add("file_missing", "file", f.Path, "why", err.Error())
			continue
		}
		sum, size, err := digestOf(in, most)
		_ = in.Close() // it was only read
		switch {
		case err != nil:
			add("file_missing", "file", f.Path, "why", err.Error())
		case size != f.Size:
			add("file_size", "file", f.Path, "was", strconv.FormatInt(f.Size, 10), "is", strconv.FormatInt(size, 10))
		case sum != f.SHA256:
			add("file_changed", "file", f.Path, "was", f.SHA256, "is", sum)
		}
	}
	raw, err := readIn(dir, journalName, mostJournal)
	if err != nil || int64(len(raw)) < m.Journal.Bytes {
		add("journal_short")
		return judged{}, problems
	}
	j = judge(raw[:m.Journal.Bytes])
	if j.err != nil || m.Unreadable != "" {
		if j.err == nil || j.err.Error() != m.Unreadable {
			add("journal_broken", "why", fmt.Sprint(j.err))
		}
		return j, problems
	}
	problems = append(problems, m.against(j)...)
	problems = append(problems, keptAgainst(dir, m, j, build)...)
	return j, problems
}

// against holds what a manifest says against the journal that it names.
func (m *Manifest) against(j judged) (problems []record.Reason) {
	add := func(id string, args ...string) {
		problems = append(problems, problem(id, append(args, "drill", m.Drill)...))
	}
	if j.journal != m.Journal {
		add("journal_head", "was", m.Journal.Head, "is", j.journal.Head)
	}
	h := j.header
	for _, c := range []struct{ what, says, is string }{
		{"drill", m.Drill, h.Drill}, {"series", m.Series, h.Series}, {"number", strconv.Itoa(m.Number), strconv.Itoa(h.Number)},
		{"started", m.Started.String(), h.Started.UTC().String()}, {"status", string(m.Status), string(j.record.Status)},
		{"retest", fmt.Sprint(m.Retest), fmt.Sprint(h.Retest)}, {"part", strconv.FormatBool(m.Part), strconv.FormatBool(j.record.InPart())},
	} {
		if c.says != c.is {
			add("manifest_says", "what", c.what, "says", c.says, "is", c.is)
		}
	}
	if m.Verdict != j.verdict.Status {
		add("verdict_differs", "was", string(m.Verdict), "is", string(j.verdict.Status))
	}
	if !slices.Equal(m.Subjects, subjects(j.record)) {
		add("subjects_differ")
	}
	sealed := map[string]File{}
	for _, f := range m.Files {
		sealed[f.Path] = f
	}
	for _, f := range j.record.Raw { // what the journal has seen while the drill ran
		if is, there := sealed[f.Path]; !there {
			add("raw_unlisted", "file", f.Path)
		} else if "sha256:"+is.SHA256 != f.Digest {
			add("raw_differs", "file", f.Path)
		}
	}
	return problems
}

// keptAgainst holds the verdict and the record that lie beside a journal against what it says. Another build may write more of either: then
// the verdict's status and its reasons must be the same, and that the rest is not is said without being held against anybody.
func keptAgainst(dir fs.FS, m *Manifest, j judged, build string) (problems []record.Reason) {
	is, err := canonical.Marshal(j.verdict)
	if err != nil {
		return []record.Reason{problem("journal_broken", "drill", m.Drill, "why", err.Error())}
	}
	differs := func(what string) {
		id := "other_build"
		if build != "" && build == m.Build {
			id = "kept_differs"
		}
		problems = append(problems, problem(id, "drill", m.Drill, "file", what))
	}
	if was, err := readIn(dir, verdictName, mostManifest); err == nil && !bytes.Equal(was, is) { // if not it was told as a file
		var then record.Verdict
		if json.Unmarshal(was, &then) != nil || then.Status != j.verdict.Status || !slices.Equal(ids(then.Reasons), ids(j.verdict.Reasons)) {
			problems = append(problems, problem("verdict_differs", "drill", m.Drill, "was", said(then), "is", said(j.verdict)))
		} else {
			differs(verdictName)
		}
	}
	if was, err := readIn(dir, recordName, mostJournal); err == nil {
		if now, err := json.MarshalIndent(j.record, "", "  "); err != nil || !bytes.Equal(bytes.TrimSuffix(was, []byte("\n")), now) {
			differs(recordName)
		}
	}
	return problems
}

func said(v record.Verdict) string {
	return strings.TrimSpace(string(v.Status) + " " + strings.Join(ids(v.Reasons), " "))
}

func ids(reasons []record.Reason) (all []string) {
	for _, r := range reasons {
		all = append(all, r.ID)
	}
	return all
}

// notices are problems that are said and are no manipulation.
var notices = map[string]bool{"audit.other_build": true, "audit.report_other_build": true}

// wrong leaves out what is only to be said.
func wrong(problems []record.Reason) (all []record.Reason) {
	for _, p := range problems {
		if !notices[p.ID] {
			all = append(all, p)
		}
	}
	return all
}
