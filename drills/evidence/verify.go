package evidence

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
	"lifeboat/internal/timestamp"
)

// VerifyRequest says what is verified, and by whose word.
type VerifyRequest struct {
	Folder     string           // of the bundle …
	Archive    *Archive         // … or, where it is not nil, the bundle
	Trust      *signing.Trust   // nil: nobody is believed, and the bundle is at best not contradicted
	Checkpoint []byte           // one that was kept from before: what it covers must be unchanged
	Authority  *timestamp.Trust // whose time stamps are believed; nil: nobody's
	Build      string           // of this lifeboat
	Reports    Reports          // nil: reports are not rendered again

	Show     func(l Leaf, r *record.Record, v record.Verdict) *Shown // of each drill, one at a time; nil: nobody reads a summary
	Progress func(done, all int)                                     // of the drills; nil: nobody looks on. Called by one at a time
}

// auditing is one verification.
type auditing struct {
	VerifyRequest
	*Result
	content
	files  map[string]int64 // that no part of the bundle has named yet, and their sizes
	leaves map[int64]Leaf
	said   map[string][]signing.Trusted // by drill: who signed off or approved it, each in the role of that
}

// Verify checks a bundle by itself. The error says that it cannot be looked at; what is wrong with it stands in the result.
func Verify(ctx context.Context, r VerifyRequest) (*Result, error) {
	from := content(r.Archive)
	if r.Archive == nil {
		root, err := os.OpenRoot(r.Folder)
		if err != nil {
			return nil, fmt.Errorf("open the bundle: %w", err)
		}
		defer root.Close() //nolint:errcheck // it was only read
		from = folder{root}
	}
	a := &auditing{VerifyRequest: r, content: from, files: map[string]int64{}, leaves: map[int64]Leaf{},
		said: map[string][]signing.Trusted{}, Result: &Result{Wrong: []record.Reason{}, Notices: []record.Reason{}, Signers: []string{},
			Drills: []DrillResult{}, Nights: []NightResult{}, Series: []SeriesResult{}, Addenda: []AddendumResult{}, Findings: []FindingResult{},
			Programmes: []ProgrammeResult{}}}
	if err := a.found(); err != nil {
		return nil, fmt.Errorf("list the bundle: %w", err)
	}
	if len(a.files) == 0 {
		a.wrong("empty")
		return a.Result, nil
	}
	if !a.bundle() {
		return a.Result, nil
	}
	head, ok := a.checkpoint()
	if !ok {
		return a.Result, nil
	}
	a.records(head)
	a.stamp()
	a.older(head)
	a.addenda(ctx)
	a.contents(ctx)
	a.findings()
	a.nights()
	a.slots()
	a.programmes()
	a.numbers()
	a.extra()
	return a.Result, nil
}

func (a *auditing) wrong(id string, args ...string) { a.Wrong = append(a.Wrong, problem(id, args...)) }
func (a *auditing) notice(id string, args ...string) {
	a.Notices = append(a.Notices, problem(id, args...))
}

// found lists what lies in the bundle; what is no plain file is wrong wherever it lies.
func (a *auditing) found() error {
	return a.list(func(name string, size int64, plain bool) error {
		if !plain {
			a.wrong("not_a_file", "file", ascii(name))
			return nil
		}
		if len(a.files) >= mostFiles {
			return fmt.Errorf("it holds more than %d files", mostFiles)
		}
		a.files[name] = size
		return nil
	})
}

// ascii makes characters that are drawn like others visible.
func ascii(name string) string { return strings.Trim(strconv.QuoteToASCII(name), `"`) }

// read gives a file that must be there, and takes it off the list.
func (a *auditing) read(name string, most int64) ([]byte, bool) {
	size, there := a.files[name]
	delete(a.files, name)
	if !there {
		a.wrong("part_missing", "file", name)
		return nil, false
	}
	if size > most {
		a.wrong("part_too_large", "file", name)
		return nil, false
	}
	raw, err := readIn(a.content, name, most)
	if err != nil {
		a.wrong("part_unreadable", "file", name, "why", err.Error())
		return nil, false
	}
	return raw, true
}

// parse reads a file in its one form.
func (a *auditing) parse(name string, most int64, into any) bool {
	raw, ok := a.read(name, most)
	if !ok {
		return false
	}
	if err := canonical.Unmarshal(raw, into); err != nil {
		a.wrong("part_unreadable", "file", name, "why", err.Error())
		return false
	}
	return true
}

func (a *auditing) bundle() bool {
	if !a.parse(bundleName, mostManifest, &a.Bundle) {
		return false
	}
	if a.Bundle.Format != format {
		a.wrong("format", "file", bundleName, "format", strconv.Itoa(a.Bundle.Format))
		return false
	}
	if b := a.Bundle; b.Whole() && !b.From.Before(b.To) {
		a.wrong("period_odd", "from", b.From.Format(time.RFC3339), "to", b.To.Format(time.RFC3339))
	}
	return true
}

// extra: what nothing names does not belong to the bundle.
func (a *auditing) extra() {
	known := []string{"drills", "nights", "addenda", "programmes", "log", "evidence", "reports", "raw"}
	for _, l := range a.leaves {
		known = append(known, l.ID)
	}
	names := map[string]string{}
	for _, f := range append(known, bundleName, checkpointName, leavesName, proofsName, journalName, recordName, nightName, addendumName, programmeName) {
		names[looks(f)] = f
	}
	rest := make([]string, 0, len(a.files))
	for name := range a.files {
		rest = append(rest, name)
	}
	slices.Sort(rest)
	for _, name := range rest {
		twin := ""
		for _, part := range append(strings.Split(name, "/"), name) {
			if twin == "" {
				twin = alike(part, names)
			}
		}
		if twin != "" {
			a.wrong("look_alike", "file", ascii(name), "like", twin)
			continue
		}
		a.wrong("extra_file", "file", ascii(name))
	}
}
