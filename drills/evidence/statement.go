package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
)

// What is signed is an in-toto Statement v1 with a predicate of type test-result v0.1, which has our record in it besides.
const (
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://in-toto.io/attestation/test-result/v0.1"
)

// statement is the payload; docs/evidence.md defines it.
type statement struct {
	Type          string       `json:"_type"`
	Subject       []descriptor `json:"subject"`
	PredicateType string       `json:"predicateType"`
	Predicate     predicate    `json:"predicate"`
}

// descriptor is in-toto's ResourceDescriptor.
type descriptor struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type predicate struct {
	Result        string       `json:"result"` // PASSED, or FAILED for everything else: who knows only in-toto must not take it for more
	Configuration []descriptor `json:"configuration"`
	PassedTests   []string     `json:"passedTests"`
	FailedTests   []string     `json:"failedTests"`
	Lifeboat      proved       `json:"lifeboat"`
}

// proved is our record of the drill in its predicate.
type proved struct {
	Version  int              `json:"version"`
	Drill    string           `json:"drill"`
	Series   string           `json:"series,omitempty"`
	Number   int              `json:"number,omitempty"`
	Started  time.Time        `json:"started"`
	Planned  *time.Time       `json:"planned,omitempty"`
	Sealed   time.Time        `json:"sealed"`
	Status   record.RunStatus `json:"status"`
	Verdict  record.Status    `json:"verdict"`
	Scenario string           `json:"scenario,omitempty"`
	Tool     string           `json:"tool"`
	Build    string           `json:"build,omitempty"`
	Program  *record.Program  `json:"program,omitempty"`
	K6       *record.Program  `json:"k6,omitempty"`
	Journal  string           `json:"journal"`  // the head of its chain
	Manifest string           `json:"manifest"` // sha256:…
}

// statementOf writes what is signed of a drill, from its manifest and what its journal says.
func statementOf(m *Manifest, manifest []byte, j judged) statement {
	s := statement{Type: statementType, Subject: []descriptor{}, PredicateType: predicateType, Predicate: predicate{
		Result: "FAILED", Configuration: []descriptor{}, PassedTests: []string{}, FailedTests: []string{},
		Lifeboat: proved{Version: format, Drill: m.Drill, Series: m.Series, Number: m.Number, Started: m.Started, Sealed: m.Sealed, Status: m.Status,
			Verdict: m.Verdict, Scenario: j.header.Scenario, Tool: m.Tool, Build: m.Build, Program: j.header.Program, K6: j.header.K6,
			Journal: m.Journal.Head, Manifest: digest(manifest)}}}
	if p := j.header.Planned; p != nil {
		at := p.UTC()
		s.Predicate.Lifeboat.Planned = &at
	}
	for _, x := range m.Subjects {
		s.Subject = append(s.Subject, described(x.Backup+"/"+x.Point, x.Digest))
	}
	if len(s.Subject) == 0 { // a statement has one: where no backup was read to its end, it is about the drill alone
		s.Subject = append(s.Subject, described("drill "+m.Drill+": no restore point was read", digest(manifest)))
	}
	if d, ok := record.ParseDigest(j.header.ScenarioDigest); ok && d.Algorithm == record.SHA256 {
		s.Predicate.Configuration = append(s.Predicate.Configuration, described("scenario "+j.header.Scenario, j.header.ScenarioDigest))
	}
	if m.Verdict == record.StatusPassed {
		s.Predicate.Result = "PASSED"
	}
	if j.record == nil {
		return s
	}
	enter := func(name string, passed bool) {
		if passed {
			s.Predicate.PassedTests = append(s.Predicate.PassedTests, name)
		} else {
			s.Predicate.FailedTests = append(s.Predicate.FailedTests, name)
		}
	}
	for _, o := range j.verdict.Objectives {
		enter("objective "+o.Name, o.Status == record.StatusPassed)
	}
	for _, c := range j.header.Checks { // the last word of each; none is no pass
		passed := false
		for _, r := range j.record.Checks {
			if r.Name == c.Name && r.Layer == c.Layer {
				passed = r.Status == record.CheckPassed
			}
		}
		enter("check "+string(c.Layer)+" "+c.Name, passed)
	}
	slices.Sort(s.Predicate.PassedTests)
	slices.Sort(s.Predicate.FailedTests)
	return s
}

func described(name, digest string) descriptor {
	return descriptor{name, map[string]string{"sha256": strings.TrimPrefix(digest, "sha256:")}}
}

// ErrNotLogged says that a drill is not in its home's log, so that nothing of it is sealed yet.
var ErrNotLogged = errors.New("it is not sealed yet")

// unchanged gives what was sealed of a drill, once every file of it was held against that.
func unchanged(home, id, build string) (m *Manifest, raw []byte, j judged, err error) {
	dir := filepath.Join(home, "drills", id)
	if !Logged(dir) {
		return nil, nil, j, ErrNotLogged
	}
	if m, raw, err = seal(dir, Sealing{}); err != nil {
		return nil, nil, j, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, j, err
	}
	defer root.Close() //nolint:errcheck // nothing is written through it
	j, problems := held(folder{root}, m, build)
	if problems = wrong(problems); len(problems) > 0 {
		return nil, nil, j, fmt.Errorf("what lies there is not what was sealed: %s %s", problems[0].ID, problems[0].Args["file"])
	}
	return m, raw, j, nil
}

// Sign adds a signature to the statement of a drill, and gives the payload that was signed. What is signed is what the files hold: they are
// held against the manifest first. Where an authority is to stamp the signature and does not, nothing is signed.
func Sign(ctx context.Context, home, id, build string, by signing.Signer, stamp Stamper) ([]byte, error) {
	m, raw, j, err := unchanged(home, id, build)
	if err != nil {
		return nil, fmt.Errorf("sign drill %s: %w", id, err)
	}
	dir := filepath.Join(home, "drills", id)
	payload, err := canonical.Marshal(statementOf(m, raw, j))
	if err != nil {
		return nil, fmt.Errorf("sign drill %s: %w", id, err)
	}
	var before *signing.Envelope
	switch was, err := os.ReadFile(filepath.Join(dir, envelopeName)); {
	case err == nil:
		if before, _, err = signing.ParseEnvelope(was); err != nil {
			return nil, fmt.Errorf("sign drill %s: read who signed before: %w", id, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("sign drill %s: %w", id, err)
	}
	e, err := signing.Seal(ctx, before, payloadType, payload, by)
	if err != nil {
		return nil, fmt.Errorf("drill %s: %w", id, err)
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(e); err != nil {
		return nil, err
	}
	if stamp != nil {
		if err := stampSignature(dir, e.Signatures[len(e.Signatures)-1].Sig, stamp); err != nil {
			return nil, fmt.Errorf("sign drill %s: %w", id, err)
		}
	}
	return payload, writeWhole(filepath.Join(dir, envelopeName), b.Bytes())
}
