package drills

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// The inbox of a running drill: other lifeboat commands put messages there.
const (
	questionFile = "question.json"
	approveFile  = "approve.json"
	abortFile    = "abort.json"
	notePrefix   = "note-"
	inboxEvery   = 200 * time.Millisecond
)

// Message is what abort and note put into the inbox.
type Message struct {
	Text string `json:"text"`
	By   string `json:"by"`
}

// Abort asks a running drill to heal, clean up and seal.
func Abort(home, drill string, m Message) error { return leaveMessage(home, drill, abortFile, m) }

// AddNote writes a person's note into the journal of a running drill, and returns when it stands there. The error says
// that nobody took it.
func AddNote(home, drill string, m Message) error {
	name := fmt.Sprintf("%s%d.json", notePrefix, time.Now().UnixNano())
	if err := leaveMessage(home, drill, name, m); err != nil {
		return err
	}
	dir := filepath.Join(home, "drills", filepath.Base(drill))
	path := filepath.Join(dir, "inbox", name)
	for deadline := time.Now().Add(notedWithin); ; time.Sleep(inboxEvery / 4) {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if over := Ended(dir); over || time.Now().After(deadline) {
			if err := os.Remove(path); errors.Is(err, os.ErrNotExist) { // taken in this moment
				return nil
			}
			return fmt.Errorf("note for drill %s: nobody took it%s", filepath.Base(drill),
				map[bool]string{true: ", the drill has ended", false: " within " + notedWithin.String() + ": try again"}[over])
		}
	}
}

// notedWithin is how long a drill on a busy host may take to read its inbox.
const notedWithin = 15 * time.Second

func leaveMessage(home, drill, name string, v any) error {
	dir := filepath.Join(home, "drills", filepath.Base(drill), "inbox")
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("find drill %s: %w; lifeboat history lists the drills of --home %s", drill, err, home)
	}
	return leave(dir, name, v)
}

// leave puts a message into an inbox, whole or not at all, in the place of one of that name.
func leave(dir, name string, v any) error { return leaveBy(os.Rename, dir, name, v) }

// leaveFirst is leave where nobody has left one of that name: fs.ErrExist where somebody has, in the same moment too.
func leaveFirst(dir, name string, v any) error {
	return leaveBy(func(from, to string) error {
		err := os.Link(from, to)
		if err == nil || errors.Is(err, os.ErrExist) {
			return err
		}
		if _, err := os.Stat(to); err == nil { // a file system without hard links
			return os.ErrExist
		}
		return os.Rename(from, to)
	}, dir, name, v)
}

func leaveBy(put func(from, to string) error, dir, name string, v any) error {
	tmp, err := os.CreateTemp(dir, "."+name+".*") // of our own: two may leave a message at once
	if err != nil {
		return fmt.Errorf("write to the inbox: %w", err)
	}
	defer os.Remove(tmp.Name()) // where it is not gone with its new name
	if err := errors.Join(json.NewEncoder(tmp).Encode(v), tmp.Close()); err != nil {
		return fmt.Errorf("write to the inbox: %w", err)
	}
	return put(tmp.Name(), filepath.Join(dir, name))
}

// message reads one of an inbox.
func message(path string, into any) (there bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	return true, err
}

// watchInbox takes aborts and notes until the returned function is called, which takes what has come until then.
func (b *books) watchInbox(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	box := &inbox{books: b, cancel: cancel, aside: map[string]bool{}, said: map[string]bool{}}
	end := every(context.WithoutCancel(ctx), inboxEvery, func(context.Context) { box.read() })
	return func() { end(); box.read() }
}

// inbox is what one goroutine at a time reads.
type inbox struct {
	*books
	cancel context.CancelCauseFunc
	aside  map[string]bool // what was read, or could not be, and lies there still
	said   map[string]bool // what could not be written down
}

func (b *inbox) read() {
	b.take(abortFile, func(m Message) error {
		b.cancel(&AbortError{Why: strings.TrimSpace(m.By + ": " + m.Text)})
		return nil
	})
	notes, _ := filepath.Glob(filepath.Join(b.dir, "inbox", notePrefix+"*")) // the pattern is a constant
	for _, n := range notes {
		b.take(filepath.Base(n), func(m Message) error {
			return b.journal.AppendAs(m.By, record.KindNote, record.Subject{}, record.Note{Text: b.Hide(m.Text)})
		})
	}
}

// take uses a message and removes it. One that cannot be read is set aside, and said once, in the record too: somebody
// wanted something.
func (b *inbox) take(name string, use func(Message) error) {
	path := filepath.Join(b.dir, "inbox", name)
	var m Message
	there, err := message(path, &m)
	if b.aside[name] || !there {
		return
	}
	if err == nil {
		if err = use(m); err == nil {
			b.aside[name] = os.Remove(path) != nil
			return
		}
		if !b.said[name] { // it is tried again
			b.log.Error("write a note", "error", err)
		}
		b.said[name] = true
		return
	}
	b.aside[name] = os.Rename(path, filepath.Join(b.dir, "inbox", "."+name+".unreadable")) != nil
	b.log.Warn("a message in the inbox could not be read", "file", name, "error", err)
	b.note(record.KindObservation, record.Observation{ID: "inbox.unreadable",
		Args: map[string]string{"file": name, "error": b.Hide(err.Error())}})
}
