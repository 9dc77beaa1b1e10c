package drills

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/filelock"
)

// cleanMark is the file in a drill's folder that says that nothing of it is left. A sweep need not judge such a drill again, and a
// home may hold thousands; but it holds for the very bytes of journal and ledger that it names, and for no others.
const cleanMark = "clean"

// held is what a file held.
type held struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// leftBehind is what the files that say what a drill left held.
type leftBehind struct {
	Journal held `json:"journal"`
	Ledger  held `json:"ledger"`
}

// contents reads what a drill's files hold now.
func contents(dir string) (m leftBehind, err error) {
	if m.Journal, err = contentOf(filepath.Join(dir, journalName)); err == nil {
		m.Ledger, err = contentOf(filepath.Join(dir, ledger.FileName))
	}
	return m, err
}

func contentOf(path string) (held, error) {
	digest, size, err := digestFile(path)
	return held{Size: size, SHA256: strings.TrimPrefix(digest, "sha256:")}, err
}

// markClean writes the mark of a drill of which nothing is left. The caller holds the lock of its journal.
func markClean(dir string) error {
	var b []byte
	m, err := contents(dir)
	if err == nil {
		b, err = json.Marshal(m)
	}
	if err == nil {
		err = writeWhole(filepath.Join(dir, cleanMark), b)
	}
	if err != nil {
		return fmt.Errorf("mark drill %s as clean: %w", filepath.Base(dir), err)
	}
	_ = proved(dir) // where that fails the next start looks at it once more
	return nil
}

// markFound marks a drill that was found clean, unless somebody writes its journal just now. Nothing depends on it but time.
func markFound(dir string) {
	f, err := os.Open(filepath.Join(dir, journalName))
	if err != nil {
		return
	}
	defer f.Close() //nolint:errcheck // it was only read
	if filelock.Exclusive(f, 0) != nil {
		return
	}
	if rest, sure, err := judgeRest(dir); err == nil && sure && !rest { // what was judged before the lock may have changed
		_ = markClean(dir)
	}
}

// isMarked tells whether a drill's mark names what its files hold now.
func isMarked(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, cleanMark))
	var was leftBehind
	if err != nil || json.Unmarshal(b, &was) != nil {
		return false
	}
	if !sameSize(filepath.Join(dir, journalName), was.Journal) || !sameSize(filepath.Join(dir, ledger.FileName), was.Ledger) {
		return false
	}
	now, err := contents(dir)
	return err == nil && now == was
}

func sameSize(path string, c held) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == c.Size
}

// unfinished tells whether a drill has something left to undo, or no end in its journal.
func unfinished(dir string) (bool, error) {
	if isMarked(dir) {
		return false, nil
	}
	rest, _, err := judgeRest(dir)
	return rest, err
}

// judgeRest is unfinished without a look at the mark. A journal that cannot be judged has nothing left that is known, but that is not sure.
func judgeRest(dir string) (rest, sure bool, err error) {
	open, err := openEntries(dir)
	if err != nil || len(open) > 0 {
		return true, true, err
	}
	r, _, err := Judge(dir)
	if err != nil { // nothing is left, and a damaged journal is for history to tell
		return false, false, nil
	}
	return r.Status == record.RunCrashed || r.Cleanup.T8 == nil || len(r.Cleanup.Failed) > 0, true, nil
}
