package drills

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"lifeboat/drills/record"
)

// Past is what the list of a home's drills says of one.
type Past struct {
	Drill    string           `json:"drill"`
	Number   int              `json:"number,omitempty"`
	Series   string           `json:"series,omitempty"`
	Scenario string           `json:"scenario,omitempty"`
	Started  time.Time        `json:"started,omitzero"`
	Status   record.RunStatus `json:"status,omitempty"`
	Verdict  record.Status    `json:"verdict,omitempty"`
	Part     bool             `json:"in_part,omitempty"` // of a backup a part alone was restored
	Why      *record.Reason   `json:"why,omitempty"`     // the first of the verdict's reasons
	Error    string           `json:"-"`                 // why its journal cannot be judged
}

// historyFile of a home keeps what was judged, so that the list does not judge thousands of journals each time. It may be
// thrown away. A line of it holds for one judge and for one state of one journal's file, and for nothing else.
const historyFile = "history.ndjson"

// judged is a line of it.
type judged struct {
	File fileState `json:"file"`
	Past
}

// fileState is how the kernel knows one content of a file: who writes to it changes the times, and cannot set the second back.
type fileState struct {
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	Changed int64  `json:"mtime_ns"`
	Touched int64  `json:"ctime_ns"`
}

func stateOf(info fs.FileInfo) fileState {
	s := fileState{Size: info.Size(), Changed: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Inode, s.Touched = st.Ino, st.Ctim.Nano()
	}
	return s
}

// History lists a home's drills, oldest first. Journals that are what they were when the same judge judged them last are
// not opened; judge names it ("": nothing is remembered). What it learns it keeps, if it can.
func History(home, judge string) ([]Past, error) {
	dirs, err := List(home)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(home, historyFile)
	known := remembered(path, judge)
	past, lines := make([]Past, 0, len(dirs)), make([]judged, 0, len(dirs))
	learnt := false
	for _, dir := range dirs {
		info, err := os.Stat(filepath.Join(dir, journalName))
		if err != nil {
			past = append(past, Past{Drill: filepath.Base(dir), Error: err.Error()})
			continue
		}
		line, ok := known[filepath.Base(dir)]
		if !ok || line.File != stateOf(info) {
			line, learnt = judged{stateOf(info), pastOf(dir)}, true
		}
		past = append(past, line.Past)
		if line.Error == "" { // what is wrong with a file is told by looking at it
			lines = append(lines, line)
		}
	}
	if judge != "" && (learnt || len(known) != len(lines)) {
		_ = remember(path, judge, lines) // the list is as good without
	}
	return past, nil
}

func pastOf(dir string) Past {
	r, v, err := Judge(dir)
	if err != nil {
		return Past{Drill: filepath.Base(dir), Error: err.Error()}
	}
	h := r.Header
	p := Past{Drill: filepath.Base(dir), Number: h.Number, Series: h.Series, Scenario: h.Scenario, Started: h.Started,
		Status: r.Status, Verdict: v.Status, Part: r.InPart()}
	if len(v.Reasons) > 0 {
		p.Why = &v.Reasons[0]
	}
	return p
}

// remembered reads what a judge said of journals; whatever is wrong with the file, nothing is remembered.
func remembered(path, judge string) map[string]judged {
	f, err := os.Open(path)
	if err != nil || judge == "" {
		return nil
	}
	defer f.Close() //nolint:errcheck // it was only read
	d := json.NewDecoder(bufio.NewReader(f))
	var by string
	if d.Decode(&by) != nil || by != judge {
		return nil
	}
	known := map[string]judged{}
	for d.More() {
		var j judged
		if d.Decode(&j) != nil {
			return nil
		}
		known[j.Drill] = j
	}
	return known
}

// remember writes the file anew, whole or not at all: two that do so at once leave what one of them wrote.
func remember(path, judge string, lines []judged) error {
	f, err := os.CreateTemp(filepath.Dir(path), historyFile+".*")
	if err != nil {
		return fmt.Errorf("keep the history: %w", err)
	}
	defer os.Remove(f.Name()) // where it is not gone with its new name
	w := bufio.NewWriter(f)
	e := json.NewEncoder(w)
	errs := []error{e.Encode(judge)}
	for _, line := range lines {
		errs = append(errs, e.Encode(line))
	}
	if err := errors.Join(append(errs, w.Flush(), f.Close())...); err != nil {
		return fmt.Errorf("keep the history: %w", err)
	}
	return os.Rename(f.Name(), path)
}
