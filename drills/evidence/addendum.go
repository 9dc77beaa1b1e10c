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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lifeboat/drills/record"
	"lifeboat/internal/canonical"
	"lifeboat/internal/signing"
)

// addendumType is the predicate's type of an addendum.
const addendumType = "urn:lifeboat:addendum:1"

// addendumName is an addendum's file in its folder.
const addendumName = "addendum.json"

// The kinds of addenda: what people say of a drill after it was sealed.
const (
	SignOff    = "sign-off"   // the author stands for what the drill says
	Approval   = "approval"   // the author lets something go on because of it, or let the drill be run
	Finding    = "finding"    // something that must be mended, and is closed by a later drill alone
	Correction = "correction" // something in the record or its surroundings was otherwise
	RootCause  = "root-cause" // why it went as it did
)

// AddendumKinds are all of them.
func AddendumKinds() []string { return []string{SignOff, Approval, Finding, Correction, RootCause} }

// Severities of findings, the worst first.
func Severities() []string { return []string{"high", "medium", "low"} }

// Addendum is what one person says of a sealed drill: the predicate of a statement whose subjects are the drill's manifest and its record.
type Addendum struct {
	Version  int       `json:"version"`
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Drill    string    `json:"drill"`
	Series   string    `json:"series,omitempty"`
	Role     string    `json:"role"` // in which the author speaks: operator, reviewer, management, …
	Key      string    `json:"key"`  // the author's
	At       time.Time `json:"at"`
	Text     string    `json:"text,omitempty"`
	Ticket   string    `json:"ticket,omitempty"`   // of an approval: the change it belongs to
	Number   int       `json:"number,omitempty"`   // of a finding: gap-free within its series
	Severity string    `json:"severity,omitempty"` // of a finding
	Owner    string    `json:"owner,omitempty"`    // of a finding: who mends it
	Due      string    `json:"due,omitempty"`      // of a finding: a date, by the end of which (UTC) it must be closed
}

// FindingName is what people call a finding: F3, the third of its series.
func FindingName(number int) string { return "F" + strconv.Itoa(number) }

// longestWords of an addendum, characters.
const longestWords = 4000

// check says everything that is wrong with what somebody wants to say.
func (x Addendum) check() error {
	var errs []error
	is := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	is(!slices.Contains(AddendumKinds(), x.Kind), "there is no addendum %q: choose one of %s", x.Kind, strings.Join(AddendumKinds(), ", "))
	is(x.Role == "", "role is missing: say in which you speak, such as operator, reviewer or management")
	is(x.Role == signing.RoleLog, "role %q is that of keys that sign logs, and of no person", x.Role)
	is(x.Text == "" && x.Kind != SignOff && x.Kind != Approval, "text is missing: a %s says something", x.Kind)
	is(x.Ticket != "" && x.Kind != Approval, "ticket belongs to an approval, and not to a %s", x.Kind)
	finding := x.Kind == Finding
	is(!finding && x.Severity+x.Owner+x.Due != "", "severity, owner and due belong to a finding, and not to a %s", x.Kind)
	is(finding && !slices.Contains(Severities(), x.Severity), "severity %q: choose one of %s", x.Severity, strings.Join(Severities(), ", "))
	is(finding && x.Owner == "", "owner is missing: a finding that is nobody's is never mended")
	_, err := time.Parse(time.DateOnly, x.Due)
	is(finding && err != nil, "due %q: write a date like 2026-10-31", x.Due)
	for _, f := range []struct{ name, said string }{{"text", x.Text}, {"role", x.Role}, {"ticket", x.Ticket}, {"owner", x.Owner}} {
		is(!utf8.ValidString(f.said) || utf8.RuneCountInString(f.said) > longestWords, "%s: at most %d characters of UTF-8", f.name, longestWords)
		is(strings.ContainsFunc(f.said, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }), "%s: it has control characters", f.name)
	}
	return errors.Join(errs...)
}

// secretive finds what is a secret by its looks: a password in an address, a private key.
var secretive = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:]*:[^\s/@]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----`)

// leaks: what is signed and logged cannot be taken back, so a secret in it is refused before.
func (x Addendum) leaks() error {
	if secretive.MatchString(strings.Join([]string{x.Text, x.Role, x.Ticket, x.Owner}, "\n")) {
		return errors.New("it holds a password in an address, or a private key: addenda are read by strangers and are never taken back; write it without")
	}
	return nil
}

// addendumStatement is the payload of an addendum's envelope.
type addendumStatement struct {
	Type          string       `json:"_type"`
	Subject       []descriptor `json:"subject"`
	PredicateType string       `json:"predicateType"`
	Predicate     Addendum     `json:"predicate"`
}

// addendumOf writes it. Its subjects are what an addendum speaks of: the manifest, which binds all that was sealed, and the record by itself.
func addendumOf(m *Manifest, manifest []byte, x Addendum) addendumStatement {
	s := addendumStatement{Type: statementType, PredicateType: addendumType, Predicate: x,
		Subject: []descriptor{described("drills/"+m.Drill+"/"+manifestName, digest(manifest))}}
	for _, f := range m.Files {
		if f.Path == recordName {
			s.Subject = append(s.Subject, described("drills/"+m.Drill+"/"+recordName, f.SHA256))
		}
	}
	return s
}

func addendaDir(home string) string { return filepath.Join(home, "addenda") }

// Add signs what somebody says of a sealed drill and enters it into the log. Of x the kind, the role and the words are the author's; the
// rest is filled in. Nothing is said of a drill whose files were changed since.
func Add(ctx context.Context, home string, x Addendum, s Sealing, by signing.Signer) (*Addendum, error) {
	if err := errors.Join(x.check(), x.leaks()); err != nil {
		return nil, fmt.Errorf("addendum: %w", err)
	}
	m, manifest, _, err := unchanged(home, x.Drill, s.Build)
	if err != nil {
		return nil, fmt.Errorf("addendum to drill %s: %w", x.Drill, err)
	}
	if x.At, err = after(home, s.Now); err != nil {
		return nil, fmt.Errorf("addendum to drill %s: %w", x.Drill, err)
	}
	x.Version, x.ID, x.Series, x.Key = format, record.NewID(s.Now), m.Series, by.Verifier().ID()
	if x.Kind != Finding {
		err = x.enter(ctx, home, m, manifest, s, by)
	} else {
		err = record.WithNumber(home, "findings of "+m.Series, filepath.Join(addendaDir(home), x.ID, addendumName), func(n int) error {
			x.Number = n
			return x.enter(ctx, home, m, manifest, s, by)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("addendum to drill %s: %w", x.Drill, err)
	}
	return &x, nil
}

// after is a moment that is not before what the log had last: a clock that was set back would make a liar of the author.
func after(home string, now time.Time) (time.Time, error) {
	l, err := OpenLog(home)
	if err != nil {
		return now, err
	}
	if n := len(l.Leaves); n > 0 && l.Leaves[n-1].Logged.After(now) {
		now = l.Leaves[n-1].Logged
	}
	return now.UTC().Round(0), nil
}

func (x Addendum) enter(ctx context.Context, home string, m *Manifest, manifest []byte, s Sealing, by signing.Signer) error {
	payload, err := canonical.Marshal(addendumOf(m, manifest, x))
	if err != nil {
		return err
	}
	e, err := signing.Seal(ctx, nil, payloadType, payload, by)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(e); err != nil {
		return err
	}
	dir := filepath.Join(addendaDir(home), x.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(dir, addendumName), b.Bytes()); err != nil {
		return err
	}
	return logAddendum(home, x.ID, s)
}

// LogAddenda enters addenda whose author's process died before it could.
func LogAddenda(home string, s Sealing) error {
	signed, err := filepath.Glob(filepath.Join(addendaDir(home), "*", addendumName))
	if err != nil {
		return fmt.Errorf("list the addenda: %w", err)
	}
	var errs []error
	for _, path := range signed {
		errs = append(errs, logAddendum(home, filepath.Base(filepath.Dir(path)), s))
	}
	return errors.Join(errs...)
}

// logAddendum enters an addendum once, whoever died in between.
func logAddendum(home, id string, s Sealing) error {
	dir := filepath.Join(addendaDir(home), id)
	if Logged(dir) {
		return nil
	}
	raw, err := os.ReadFile(filepath.Join(dir, addendumName))
	if err != nil {
		return fmt.Errorf("log addendum %s: %w", id, err)
	}
	said, payload, err := parseAddendum(raw)
	if err != nil {
		return fmt.Errorf("log addendum %s: %w", id, err)
	}
	x := said.Predicate
	return enter(home, Leaf{Kind: KindAddendum, ID: id, Series: x.Series, Number: x.Number, Drill: x.Drill, Started: x.At,
		Head: strings.TrimPrefix(digest(payload), "sha256:"), Manifest: digest(raw), Logged: s.Now})
}

// parseAddendum reads an envelope's addendum, strictly. Who signed it is not asked.
func parseAddendum(raw []byte) (*addendumStatement, []byte, error) {
	e, payload, err := signing.ParseEnvelope(raw)
	if err != nil {
		return nil, nil, err
	}
	said := &addendumStatement{}
	if err := canonical.Unmarshal(payload, said); err != nil {
		return nil, nil, err
	}
	if e.PayloadType != payloadType || said.Type != statementType || said.PredicateType != addendumType || said.Predicate.Version != format {
		return nil, nil, fmt.Errorf("it is a %s of type %s, version %d", e.PayloadType, said.PredicateType, said.Predicate.Version)
	}
	if err := said.Predicate.check(); err != nil {
		return nil, nil, err
	}
	return said, payload, nil
}

// Said is what people said of a drill of this home, in the order in which it was logged. Each is held against the log; whose the keys are
// is not asked.
func Said(home, drill string) (all []Addendum, err error) {
	if _, err := os.Stat(logPath(home)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // and none is begun
	}
	l, err := OpenLog(home)
	if err != nil {
		return nil, err
	}
	for _, leaf := range l.Leaves {
		if leaf.Kind != KindAddendum || leaf.Drill != drill {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(addendaDir(home), leaf.ID, addendumName))
		if err == nil && digest(raw) != leaf.Manifest {
			err = errors.New("it is not the one that was logged")
		}
		if err != nil {
			return nil, fmt.Errorf("read addendum %s to drill %s: %w", leaf.ID, drill, err)
		}
		said, _, err := parseAddendum(raw)
		if err != nil {
			return nil, fmt.Errorf("read addendum %s to drill %s: %w", leaf.ID, drill, err)
		}
		all = append(all, said.Predicate)
	}
	return all, nil
}
