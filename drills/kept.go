package drills

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lifeboat/drills/secrets"
	"lifeboat/internal/userfile"
	"lifeboat/scenarios"
)

// askedFolder and askedList are what was asked, in a drill's folder: the scenario with all that it names, and a list of
// it. The journal holds the list's digest, and the list those of the files.
const (
	askedFolder = "scenario"
	askedList   = "scenario.json"
)

// asked is a file of the list.
type asked struct {
	Path   string `json:"path"`
	Digest string `json:"digest"` // as it was read, before anything was hidden
	Size   int64  `json:"size_bytes"`
	Kept   bool   `json:"kept"`             // below scenario/
	Hidden bool   `json:"hidden,omitempty"` // there with *** in the place of secrets
}

// keepScenario keeps what was asked, so that a reader sees it years later: texts without their secrets, data by digest and
// size, unless the scenario says keep. It comes first: nothing of it may have changed since it was read.
func (b *books) keepScenario(s *scenarios.Scenario) error {
	folder := filepath.Join(b.dir, askedFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("keep the scenario: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("keep the scenario: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is written through it
	list := []asked{}
	for _, f := range s.Files() {
		a := asked{Path: f.Path, Digest: f.Digest, Size: f.Size, Kept: f.Text != nil || s.Keep}
		if a.Kept {
			err = root.MkdirAll(filepath.Dir(filepath.FromSlash(f.Path)), 0o700)
		}
		switch {
		case err != nil:
		case f.Text != nil:
			text := b.Hide(string(f.Text))
			a.Hidden = text != string(f.Text)
			err = root.WriteFile(filepath.FromSlash(f.Path), []byte(text), 0o600)
		case s.Keep:
			err = copyData(root, s.Dir, f)
		}
		if err != nil {
			return fmt.Errorf("keep %s of the scenario: %w", f.Path, err)
		}
		list = append(list, a)
	}
	listed, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("list the scenario's files: %w", err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, askedList), append(listed, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep the scenario: %w", err)
	}
	return nil
}

// copyData copies a file that is no text, as it was when the scenario was read or not at all.
func copyData(to *os.Root, dir string, f scenarios.File) (err error) {
	from, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // only read
	in, err := userfile.OpenIn(from, filepath.FromSlash(f.Path))
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := to.Create(filepath.FromSlash(f.Path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, h), in); err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != f.Digest {
		return errors.New("it has changed since the scenario was read: start the drill again")
	}
	return nil
}

// factsShown is how much of a check's facts stands in the journal itself, bytes.
const factsShown = 2000

// keepFacts keeps facts that are too long for the journal whole, by their digest, and gives what is shown of them. Where
// they cannot be kept nobody could judge again, so that is an error.
func (b *books) keepFacts(facts string) (shown, digest string, err error) {
	if len(facts) <= factsShown {
		return facts, "", nil
	}
	sum := sha256.Sum256([]byte(facts))
	name := hex.EncodeToString(sum[:])
	path := filepath.Join(b.dir, "raw", "facts", name+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", "", fmt.Errorf("keep what a check observed: %w", err)
	}
	if err := os.WriteFile(path, []byte(facts), 0o600); err != nil {
		return "", "", fmt.Errorf("keep what a check observed: %w", err)
	}
	return secrets.Shorten(facts, factsShown), "sha256:" + name, nil
}
