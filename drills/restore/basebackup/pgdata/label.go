package pgdata

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Names of files in the root of a data folder that belong to a backup.
const (
	LabelName      = "backup_label"
	TablespaceName = "tablespace_map"
	ManifestName   = "backup_manifest"
	VersionName    = "PG_VERSION"
)

// Label is what a backup_label, or the history of a backup in an archive, says.
type Label struct {
	Start       LSN    // from which WAL is needed
	File        string // the segment that the label says Start is in
	Checkpoint  LSN    // at which a server begins; 0: it does not say
	Stop        LSN    // of a history: up to which it is needed; 0: it does not say
	Timeline    uint32
	Started     string // as it is written: 2026-01-31 02:00:00 UTC
	Stopped     string // of a history
	Name        string // which somebody gave it
	Incremental LSN    // it holds only what has changed since there; 0: it is whole
}

// ReadLabel reads it.
func ReadLabel(text string) (*Label, error) {
	l := &Label{Timeline: 1}
	var err error
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
		place, file, _ := strings.Cut(value, " (file ")
		switch key {
		case "START WAL LOCATION":
			l.Start, err = ParseLSN(place)
			l.File = strings.TrimSuffix(file, ")")
			if n, e := strconv.ParseUint(file[:min(8, len(file))], 16, 32); e == nil {
				l.Timeline = uint32(n)
			}
		case "CHECKPOINT LOCATION":
			l.Checkpoint, err = ParseLSN(value)
		case "STOP WAL LOCATION":
			l.Stop, err = ParseLSN(place)
		case "INCREMENTAL FROM LSN":
			l.Incremental, err = ParseLSN(place)
		case "START TIME":
			l.Started = value
		case "STOP TIME":
			l.Stopped = value
		case "LABEL":
			l.Name = value
		case "START TIMELINE":
			n, e := strconv.ParseUint(value, 10, 32)
			if e != nil || n == 0 {
				return nil, fmt.Errorf("its timeline is %q", value)
			}
			l.Timeline = uint32(n)
		}
		if err != nil {
			return nil, err
		}
	}
	if l.Start == 0 {
		return nil, fmt.Errorf("it does not say from where WAL is needed")
	}
	if l.Checkpoint != 0 && l.Checkpoint < l.Start { // a server would begin where the backup does not
		return nil, fmt.Errorf("its checkpoint %s lies before %s, from where WAL is needed", l.Checkpoint, l.Start)
	}
	return l, nil
}

// Tablespace is one that a backup holds.
type Tablespace struct{ OID, Location string }

// ReadTablespaces reads a tablespace_map.
func ReadTablespaces(text string) ([]Tablespace, error) {
	var all []Tablespace
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		oid, location, ok := strings.Cut(line, " ")
		if line == "" {
			continue
		}
		if !ok || oid == "" || strings.Trim(oid, "0123456789") != "" {
			return nil, fmt.Errorf("it says %q, and not the number and the place of a tablespace", line)
		}
		all = append(all, Tablespace{OID: oid, Location: location})
	}
	return all, nil
}

// Branch is the part of a timeline that belongs to the history of another: from Begin to End, 0 where it goes on.
type Branch struct {
	Timeline   uint32
	Begin, End LSN
}

// History of a timeline, the oldest branch first; the last one is its own.
type History []Branch

var historyLine = regexp.MustCompile(`^\s*(\d+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)`)

// ReadHistory reads the history file of a timeline.
func ReadHistory(of uint32, text string) (History, error) {
	var h History
	var begin LSN
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := historyLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("it says %q, and not where a timeline was left", line)
		}
		n, err := strconv.ParseUint(m[1], 10, 32)
		end, e := ParseLSN(m[2])
		if err != nil || e != nil || uint32(n) >= of || end < begin || len(h) > 0 && h[len(h)-1].Timeline >= uint32(n) {
			return nil, fmt.Errorf("its line %q does not fit what stands before it", line)
		}
		h = append(h, Branch{Timeline: uint32(n), Begin: begin, End: end})
		begin = end
	}
	return append(h, Branch{Timeline: of, Begin: begin}), nil
}

// Holds tells whether a place on a timeline belongs to a history.
func (h History) Holds(timeline uint32, at LSN) bool {
	return slices.ContainsFunc(h, func(b Branch) bool { return b.Timeline == timeline && (b.End == 0 || at <= b.End) })
}

// During is the timeline that a segment is on, the latest of several; 0: none.
func (h History) During(number uint64, size int64) uint32 {
	first, past := LSN(number*uint64(size)), LSN((number+1)*uint64(size))
	for _, b := range slices.Backward(h) {
		if b.Begin < past && (b.End == 0 || b.End > first) {
			return b.Timeline
		}
	}
	return 0
}

// ParseHistoryName reads the name of a history file: 00000002.history.
func ParseHistoryName(name string) (timeline uint32, ok bool) {
	digits, ok := strings.CutSuffix(name, ".history")
	n, err := strconv.ParseUint(digits, 16, 32)
	return uint32(n), ok && err == nil && len(digits) == 8 && n > 0
}
