package mydumper

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/lazy"
)

// said is what the folder's metadata say.
type said struct {
	Started, Ended string // in the clock of the host where it ran; "": it does not say
	Log            string // of the binary logs of the server that was dumped, or of its master's
	Offset         int64
	GTID           string
	Counted        bool             // it says of each table how many rows it has
	rows           map[string]int64 // by key, in the spelling of names of files
	listed         []string         // keys of tables, in their order
	triggers       []string         // keys of tables that have some
	post           []string         // databases that have routines or events
	ansi           bool             // names stand in "
}

var (
	started = lazy.Regexp(`^(?:# )?Started dump at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$`)
	ended   = lazy.Regexp(`^(?:# )?Finished dump at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$`)
	section = lazy.Regexp("^\\[([`\"]?)(.*?)[`\"]?(?:\\.([`\"])(.*)[`\"])?\\]$")
	logFile = lazy.Regexp(`^[\w.\-]+\.\d{6,}$`)
)

// understood reads metadata of either form: lines of words (to 0.13), or sections of keys (from 0.14 on).
func understood(text string) *said {
	s := &said{rows: map[string]int64{}}
	in := "" // the present section, in lower case
	var own, other position
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if m := started().FindStringSubmatch(line); m != nil {
			if s.Started == "" { // of several runs into one folder the first: nothing in it is older
				s.Started = m[1]
			}
			s.Ended = ""
			continue
		}
		if m := ended().FindStringSubmatch(line); m != nil {
			s.Ended = m[1]
			continue
		}
		switch line {
		case "SHOW MASTER STATUS:", "SHOW SLAVE STATUS:":
			in = map[bool]string{true: "source", false: "replication"}[line == "SHOW MASTER STATUS:"]
			continue
		case "":
			if in == "source" || in == "replication" {
				in = ""
			}
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		if m := section().FindStringSubmatch(line); m != nil {
			in = s.sectionOf(m)
			continue
		}
		key, value := keyOf(line)
		switch in {
		case "source", "master":
			own.take(key, value)
		case "replication":
			other.take(key, value)
		default:
			s.take(in, key, value)
		}
	}
	if !own.known() {
		own = other
	}
	if own.known() {
		s.Log, s.Offset, s.GTID = own.log, own.offset, own.gtid
	}
	return s
}

// sectionOf is the present section's name: of a table or a database its key.
func (s *said) sectionOf(m []string) string {
	switch {
	case m[1] == "" && m[3] == "":
		name, _, _ := strings.Cut(strings.ToLower(m[2]), ".") // [replication.channel]
		return name
	case m[3] == "":
		return "\x00" + m[2] + "\x00"
	}
	key := m[2] + "." + m[4]
	s.listed = append(s.listed, key)
	return "\x00" + key
}

// keyOf takes a line apart: Log: x, Pos = 4.
func keyOf(line string) (key, value string) {
	at := strings.IndexAny(line, ":=")
	if at < 0 {
		return strings.ToLower(line), ""
	}
	return strings.ToLower(strings.TrimSpace(line[:at])), strings.Trim(strings.TrimSpace(line[at+1:]), `"`)
}

// take a key of the section of a table, a database, or of all.
func (s *said) take(in, key, value string) {
	of, isOne := strings.CutPrefix(in, "\x00")
	database, isDatabase := strings.CutSuffix(of, "\x00")
	has := value != "" && strings.Trim(value, "0") != ""
	switch {
	case in == "config" && key == "quote-character":
		s.ansi = value == "DOUBLE_QUOTE"
	case isOne && isDatabase && has && (key == "post_checksum" || key == "routines_checksum" || key == "events_checksum"):
		s.post = append(s.post, database)
	case !isOne || isDatabase:
	case key == "rows":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			s.rows[of], s.Counted = n, true
		}
	case key == "triggers_checksum" && has:
		s.triggers = append(s.triggers, of)
	}
}

// position in binary logs.
type position struct {
	log    string
	offset int64
	gtid   string
}

func (p *position) take(key, value string) {
	switch key {
	case "log", "file", "source_log_file", "relay_master_log_file":
		if logFile().MatchString(value) { // 0.17 wrote what lay in its memory
			p.log = value
		}
	case "pos", "position", "source_log_pos", "exec_master_log_pos":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			p.offset = n
		}
	case "gtid", "executed_gtid_set", "gtid_slave_pos":
		if value != "(null)" {
			p.gtid = value
		}
	}
}

func (p *position) known() bool { return p.log != "" && p.offset > 0 }

// mostMetadata is what is read of metadata alone, bytes.
const mostMetadata = 64 << 20

// Begun is when a folder was begun, by its metadata; "": they do not say it, or are not there. No more of it is read than that takes.
func Begun(ctx context.Context, s restore.Source) (string, error) {
	in, _, err := dump.OpenOf(ctx, s)
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // it was only read
	at := ""
	err = dump.Members(in, "its tar", func(h *tar.Header, from io.Reader) error {
		if fileOf(h.Name).is != metadata {
			return nil
		}
		raw, err := io.ReadAll(io.LimitReader(from, mostMetadata))
		if err != nil {
			return err
		}
		at = understood(string(raw)).Started
		return fs.SkipAll
	})
	if errors.Is(err, fs.SkipAll) {
		err = nil
	}
	return at, err
}
