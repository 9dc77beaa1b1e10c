// Package replay makes a home that looks as if drills had been run in it, out of the journals of ci/vectors: a quarter within a second, and
// without a container. What came of each drill is what its journal says; when it was, which number it had and which bytes its restore points
// had is made up.
package replay

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/evidence"
	"lifeboat/drills/night"
	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// Drill is one to be replayed.
type Drill struct {
	ID      string
	Vector  string // name of the journal
	Series  string
	Number  int
	Started time.Time
	Retest  []string // findings of its series
	Part    bool     // of its backups a part alone was restored

	Iterations int // of the pulse's stream; 0: one
}

// NewDrill names a drill by its time and number, always alike.
func NewDrill(vector, series string, number int, started time.Time) Drill {
	id := fmt.Sprintf("%s000-q%05d", started.UTC().Format("20060102-150405"), number)
	return Drill{ID: id, Vector: vector, Series: series, Number: number, Started: started}
}

var (
	times   = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"`)
	digests = regexp.MustCompile(`"sha256:[0-9a-z]{1,3}"`)
)

// stream is the k6 stream that each drill has.
const stream = "raw/pulse.ndjson"

// Files of a drill besides its journal.
func (d Drill) files() map[string]string {
	pulse := fmt.Sprintf(`{"kind":"hello","version":1,"boot":1}`+"\n"+`{"kind":"iter","start":1,"end":%d,"ok":true}`+"\n", d.Number+1)
	for i := range d.Iterations { // ten a second
		pulse += fmt.Sprintf(`{"kind":"iter","iter":%d,"start":%d,"end":%d,"ok":%t}`+"\n", i+1, i*1e8, i*1e8+5e6+i*7919%3e6, i%50 > 0)
	}
	return map[string]string{stream: pulse, "scenario.json": "[]\n",
		"scenario/" + d.Vector + ".yaml": "scenario: " + d.Vector + "\n", "reports/report.html": "<p>" + d.ID + "</p>\n",
		"ledger.ndjson": "{}\n"}
}

// Write makes the folder of the drill in a home.
func (d Drill) Write(vectors, home string) error {
	raw, err := os.ReadFile(filepath.Join(vectors, d.Vector+".ndjson"))
	if err != nil {
		return err
	}
	dir := filepath.Join(home, "drills", d.ID)
	journal, err := d.journal(strings.NewReader(string(raw)))
	if err != nil {
		return fmt.Errorf("replay %s: %w", d.Vector, err)
	}
	files := d.files()
	files["journal.ndjson"] = string(journal)
	events, err := record.Read(strings.NewReader(string(journal)))
	if err != nil {
		return fmt.Errorf("replay %s: %w", d.Vector, err)
	}
	r, err := record.Build(events)
	if err != nil {
		return fmt.Errorf("replay %s: %w", d.Vector, err)
	}
	kept, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	files["record.json"] = string(kept) + "\n"
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// journal writes the events of a vector anew, as those of this drill.
func (d Drill) journal(vector *strings.Reader) ([]byte, error) {
	events, err := record.Read(vector)
	var damage *record.Damage
	if err != nil && !(errors.As(err, &damage) && damage.Torn) {
		return nil, err
	}
	data, err := record.Decode(events[0])
	if err != nil {
		return nil, err
	}
	h := data.(record.Header)
	shift := d.Started.Sub(h.Started)
	h.Drill, h.Series, h.Number, h.Scenario, h.Service, h.Tool = d.ID, d.Series, d.Number, d.Vector, d.Series+" checkout", "0.1.0"
	h.Retest = d.Retest
	if d.Number%2 == 0 { // the others are as records of old
		if !strings.HasPrefix(d.Vector, "check-run") { // those of a night have no slot of their own
			slot := d.Started.Truncate(time.Hour).Add(-shift) // it is shifted with every time below
			h.Planned = &slot
		}
		h.Program = &record.Program{Commit: strings.Repeat("5eed", 10), Digest: long("lifeboat")}
		h.K6 = &record.Program{Version: "v2.1.0", Modified: true}
	}
	h.ScenarioDigest = long("scenario " + d.Vector)
	if events[0].Data, err = json.Marshal(h); err != nil {
		return nil, err
	}
	events = d.withStream(events)
	var all []byte
	prev := ""
	for i, e := range events {
		e.Seq, e.Prev, e.Wall = int64(i+1), prev, e.Wall.Add(shift)
		text := times.ReplaceAllStringFunc(string(e.Data), func(t string) string {
			at, err := time.Parse(`"`+time.RFC3339Nano+`"`, t)
			if err != nil || at.IsZero() {
				return t
			}
			return at.Add(shift).Format(`"` + time.RFC3339Nano + `"`)
		})
		if d.Part && e.Kind == record.KindRestored {
			text = strings.Replace(text, "{", `{"part":{"only":"orders"},`, 1)
		}
		e.Data = json.RawMessage(digests.ReplaceAllStringFunc(text, func(short string) string { return `"` + long(short+d.ID) + `"` }))
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		line = append(line, '\n')
		sum := sha256.Sum256(line)
		prev, all = hex.EncodeToString(sum[:]), append(all, line...)
	}
	return all, nil
}

// withStream enters the k6 stream before the end, as the seal does.
func (d Drill) withStream(events []record.Event) []record.Event {
	content := d.files()[stream]
	for i, e := range events {
		if e.Kind == record.KindSealed {
			data, _ := json.Marshal(record.RawFile{Path: stream, Digest: long(content), Size: int64(len(content))})
			raw := record.Event{Elapsed: e.Elapsed, Wall: e.Wall, Actor: record.ActorLifeboat, Kind: record.KindRaw, Data: data}
			return append(events[:i:i], append([]record.Event{raw}, events[i:]...)...)
		}
	}
	return events
}

func long(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Night writes a night of check runs that were written before, one of each backup, and gives its id. leftOut are backups that it did not ask.
func Night(home, catalogue string, started time.Time, runs []Drill, leftOut ...string) (string, error) {
	h := night.Header{Catalogue: catalogue, File: "/etc/lifeboat/" + catalogue + ".yaml", Tool: "0.1.0", Host: "drill-host", Started: started}
	if started.UTC().Month()%2 == 1 { // the others are as records of old
		slot := started.Truncate(time.Hour)
		h.Slot = &slot
	}
	var proofs []night.Proof
	for i, d := range runs {
		p := night.Planned{Backup: fmt.Sprintf("backup-%d", i+1)}
		raw, err := os.ReadFile(filepath.Join(home, "drills", d.ID, "journal.ndjson"))
		if err != nil {
			return "", err
		}
		events, err := record.Read(strings.NewReader(string(raw)))
		if err != nil {
			return "", err
		}
		r, err := record.Build(events)
		if err != nil {
			return "", err
		}
		h.Planned, proofs = append(h.Planned, p), append(proofs, night.ProofOf(p, r, objective.Judge(r)))
	}
	for _, backup := range leftOut {
		h.Planned = append(h.Planned, night.Planned{Backup: backup, Skipped: "only"})
	}
	j, n, err := night.Create(home, h)
	if err != nil {
		return "", err
	}
	for _, p := range proofs {
		if err := j.Add(p); err != nil {
			return "", err
		}
	}
	return n.Night, j.Seal()
}

// Quarter writes a quarter: drills of two series that passed, failed, were aborted, crashed, or said nothing, and a night of check runs each
// month. They are in the order in which they ended, nights among them as "night ID".
func Quarter(vectors, home string, begin time.Time) (ids []string, err error) {
	number, ended := map[string]int{}, map[string]time.Duration{}
	add := func(vector, series string, after time.Duration) (Drill, error) {
		number[series]++
		d := NewDrill(vector, series, number[series], begin.Add(after))
		ids, ended[d.ID] = append(ids, d.ID), after
		return d, d.Write(vectors, home)
	}
	const day = 24 * time.Hour
	var errs []error
	for i, vector := range []string{"everything-held", "aborted", "never-recovered", "a-planned-rollback", "rollback-failed", "a-check-crashed",
		"rollback-slow", "all-objectives"} {
		_, err := add(vector, "shop", time.Duration(10*i+1)*day)
		errs = append(errs, err)
	}
	for month := range 3 {
		at := time.Duration(30*month+2) * day
		var runs []Drill
		for i, vector := range []string{"check-run", "check-run", "check-run-too-old"} {
			d, err := add(vector, "nightly", at+time.Duration(i)*time.Minute)
			errs = append(errs, err)
			runs = append(runs, d)
		}
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		id, err := Night(home, "nightly", begin.Add(at-time.Minute), runs, "archive")
		ids, errs = append(ids, "night "+id), append(errs, err)
		ended["night "+id] = at + time.Hour
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(ended[a], ended[b]) })
	return ids, errors.Join(errs...)
}

// Log enters what Quarter wrote into the log of its home, each half a day after it began.
func Log(home string, ids []string, s evidence.Sealing) error {
	var errs []error
	for _, id := range ids {
		at, night := strings.CutPrefix(id, "night ")
		started, err := time.Parse("20060102-150405", at[:15])
		if now := started.Add(12 * time.Hour); now.After(s.Now) { // nights begin before their drills
			s.Now = now
		}
		log := evidence.LogDrill
		if night {
			log = evidence.LogNight
		}
		errs = append(errs, err, log(home, at, s))
	}
	return errors.Join(errs...)
}
