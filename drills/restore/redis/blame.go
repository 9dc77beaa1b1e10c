package redis

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/redis/rdb"
)

// Words of a server that ends while it reads its data, by whose fault they tell of. Each was read in the source of Redis 7.0
// (rdb.c, aof.c, config.c), where the versions before and after have the same.
var (
	// what it reads is not what a server wrote
	wordsOfBackup = []string{"Wrong RDB checksum", "Bad file format reading the append only file", "Unexpected end of file reading the append only file",
		"Internal error in RDB reading", "RDB has duplicated key", "Unknown RDB encoding type", "Invalid object type", "Error reading the RDB preamble",
		"Invalid AOF manifest file format", "Unrecoverable error reading the append only file", "Short read or OOM loading DB", "is not a valid RDB",
		"Wrong signature trying to load DB"}
	// room
	wordsOfHost = []string{"Out Of Memory", "Cannot allocate memory", "No space left on device", "Permission denied", "Read-only file system"}
)

var (
	versionLine = regexp.MustCompile(`(Redis|Valkey) version=([0-9.]+)`)
	tooNew      = regexp.MustCompile(`Can't handle RDB format version (\d+)`)
	noModule    = regexp.MustCompile(`(?i)module data I can't load|no matching module|unable to load the module|requires module`)
	noCommand   = regexp.MustCompile(`Unknown command '([^']*)' reading the append only file`)
	noDirective = regexp.MustCompile(`(?s)FATAL CONFIG FILE ERROR.*>>> '([a-z-]+)[^\n]*\n[^\n]*`)
)

// ended tells why a server ended while it read the backup, and whose fault that is: by its own words.
func (l *load) ended(ctx context.Context, how string) error {
	console, err := instance.Console(ctx, l.machine)
	if err != nil {
		return fmt.Errorf("the server %s, and its words cannot be read: %w", how, err)
	}
	state, _ := l.machine.State(ctx) // the zero state tells nothing
	name, version := "Redis", ""
	if m := versionLine.FindStringSubmatch(console); m != nil {
		name, version = m[1], m[2]
	}
	words := last(console)
	snapshot := l.backup.snapshot()
	switch {
	case state.Exit > 128 || has(console, wordsOfHost):
		return fmt.Errorf("the server %s in its sandbox: %s%s (give the instance more memory, or a folder that it may write)", how, words, l.needs())
	case tooNew.MatchString(console) && snapshot != nil:
		return newer(l.source.Backup, snapshot, name, version)
	case noModule.MatchString(console):
		return &restore.ImageError{Backup: l.source.Backup, Reason: fmt.Sprintf("its values are of a module that the server does not have%s: %s (take an image "+
			"that loads it)", modules(snapshot), words)}
	case noDirective.MatchString(console):
		if noDirective.FindStringSubmatch(console)[1] == "appenddirname" {
			return &restore.ImageError{Backup: l.source.Backup, Reason: "its log is in several parts, which a server reads from Redis 7 on: take an image of that " +
				"version or later"}
		}
		return fmt.Errorf("the server does not start with its settings: %s", words)
	case noCommand.MatchString(console):
		command := noCommand.FindStringSubmatch(console)[1]
		if strings.Contains(command, ".") || !l.asOld(version) {
			return &restore.ImageError{Backup: l.source.Backup, Reason: fmt.Sprintf("its log has the command %s, which this server (%s %s) does not know: take an "+
				"image with its module, or of the version that wrote it", strconv.Quote(command), name, version)}
		}
		return &restore.BackupError{Backup: l.source.Backup, Reason: fmt.Sprintf("its log has the command %s, which no server of the version that wrote it knows",
			strconv.Quote(command))}
	case has(console, wordsOfBackup):
		return &restore.BackupError{Backup: l.source.Backup, Reason: fmt.Sprintf("the server does not start from it: %s", words)}
	}
	return fmt.Errorf("the server %s while it read its data, which may be the fault of the backup, the image or the host: %s", how, words)
}

// asOld tells that what the log begins with was written by no newer server than this one.
func (l *load) asOld(version string) bool {
	s := l.backup.snapshot()
	return s != nil && s.Server != "" && version != "" && !laterThan(s.Server, version)
}

// laterThan compares versions number by number.
func laterThan(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i]) // what is no number is 0
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m > n
		}
	}
	return len(x) > len(y)
}

// needs is what the backup says that its server needed.
func (l *load) needs() string {
	if s := l.backup.snapshot(); s != nil && s.Memory > 0 {
		return fmt.Sprintf("; the server that wrote the backup used %d MiB", (s.Memory+1<<20-1)>>20)
	}
	return ""
}

func has(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// last lines of a server, in one.
func last(console string) string {
	const lines, most = 4, 500
	text := strings.Join(strings.Fields(strings.ReplaceAll(instance.LastLines(console, lines), "\n", " / ")), " ")
	if len(text) > most {
		text = strings.ToValidUTF8("…"+text[len(text)-most:], "")
	}
	if text == "" {
		return "it said nothing"
	}
	return text
}

func modules(s *rdb.Snapshot) string {
	if s == nil || len(s.Modules) == 0 {
		return ""
	}
	return " (" + strings.Join(s.Modules, ", ") + ")"
}
