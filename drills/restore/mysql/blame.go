package mysql

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/lazy"
)

// owners of the errors of a server that runs the statements of a dump in an empty database as root, by their numbers (the error references of
// MariaDB and of MySQL). What is not listed cannot be told.
var owners = map[int]dump.Owner{
	1048: dump.Backups, 1364: dump.Backups, 1366: dump.Backups, 1265: dump.Backups, 1264: dump.Backups, 1292: dump.Backups, 1406: dump.Backups, // values
	1062: dump.Backups, 1452: dump.Backups, 1216: dump.Backups, 1217: dump.Backups, 1451: dump.Backups, 1586: dump.Backups, // keys
	1049: dump.Backups, 1050: dump.Backups, 1051: dump.Backups, 1054: dump.Backups, 1060: dump.Backups, 1061: dump.Backups, 1068: dump.Backups,
	1072: dump.Backups, 1091: dump.Backups, 1136: dump.Backups, 1146: dump.Backups, 1215: dump.Backups, 1304: dump.Backups, 1359: dump.Backups,
	1356: dump.Backups, 1824: dump.Backups, 1822: dump.Backups, 1347: dump.Backups, 1109: dump.Backups, 1100: dump.Backups, // names
	4025: dump.Backups, 3819: dump.Backups, 1526: dump.Backups, // checks, partitions

	1115: dump.Images, 4161: dump.Images, 1273: dump.Images, 1253: dump.Images, // character sets, types and collations
	1286: dump.Images, 1289: dump.Images, 1178: dump.Images, 1112: dump.Images, // engines
	1126: dump.Images, 1127: dump.Images, 1128: dump.Images, 1524: dump.Images, 1547: dump.Images, // libraries, plug-ins
	1193: dump.Images, 1231: dump.Images, 1290: dump.Images, // settings
	1071: dump.Images, 1118: dump.Images, 1709: dump.Images, 1153: dump.Images, 1235: dump.Images, // limits

	1021: dump.Hosts, 1037: dump.Hosts, 1038: dump.Hosts, 1041: dump.Hosts, 1114: dump.Hosts, 1205: dump.Hosts, 1213: dump.Hosts, 1053: dump.Hosts,
	1317: dump.Hosts, 1927: dump.Hosts, 2002: dump.Hosts, 2003: dump.Hosts, 2006: dump.Hosts, 2013: dump.Hosts, 2055: dump.Hosts, 1040: dump.Hosts,

	1044: dump.Plans, 1045: dump.Plans, 1142: dump.Plans, 1143: dump.Plans, 1227: dump.Plans, 1370: dump.Plans, 1419: dump.Plans, 1449: dump.Plans,
	1698: dump.Plans,
}

// What a server may not understand because the dump was made by another product or a newer version: syntax, functions that it has built in.
var foreign = map[int]bool{1064: true, 1305: true, 1149: true, 1054: true, 1067: true, 1101: true, 1901: true, 3105: true, 1911: true, 1912: true}

// missing are errors of what is not there: a table, a view's table, a database, a routine.
var missing = []int{1146, 1356, 1049, 1305}

// said is a message of a server as its client prints it.
var said = regexp.MustCompile(`(?m)^ERROR (\d+) \((\w+)\)[^:\n]*: (.*)$`)

// result tells what became of a command.
func (l *load) result(c instance.Command, r instance.Result) error {
	program := path.Base(c.Args[0])
	if program != "sh" {
		if r.Exit != 0 {
			return fmt.Errorf("run %s on %s: exit code %d: %s", program, l.machine.Name(), r.Exit, dump.FirstError(r))
		}
		return nil
	}
	// The client repeats a statement that failed before the error: the last one is the server's.
	if all := said.FindAllStringSubmatch(r.Stderr, -1); len(all) > 0 {
		last := all[len(all)-1]
		number, _ := strconv.Atoi(last[1])
		return l.blame(number, dump.Unsaid(fmt.Sprintf("ERROR %s (%s): %s", last[1], last[2], last[3])))
	}
	if r.Exit == 0 {
		return nil
	}
	_, err := dump.Words{}.Failure(l.source.Backup, "client of MariaDB or MySQL", r)
	return err
}

// blame makes the error of a statement that failed.
func (l *load) blame(number int, text string) error {
	who := owners[number]
	if foreign[number] {
		switch l.stranger() {
		case "":
			who = dump.Backups
		case "unknown":
			who = dump.Nobodys
		default:
			return &restore.ImageError{Backup: l.source.Backup, Reason: fmt.Sprintf("it was dumped from %s and this server is %s: %s (take an image of "+
				"that server, and of that version or later)", l.stranger(), l.product(), text)}
		}
	}
	switch {
	case number == 1180 && strings.Contains(text, "Got error 1 "):
		who, text = dump.Backups, text+" (as MariaDB says of a key that stands twice where the dump switches unique_checks off)"
	case number == 1273 || number == 1115 || number == 4161:
		text += " (take an image of the server that was dumped, and of that version or later)"
	case number == 1005 && strings.Contains(text, "errno: 150"): // a key that leads nowhere yet
		who = dump.Backups
	case number == 1100:
		text += " (its LOCK TABLES do not name what a default reads, such as a sequence, so that no client loads it as it is: dump with --skip-add-locks, or take " +
			"the lines LOCK TABLES and UNLOCK TABLES out)"
	case number == 1305 && who == dump.Backups:
		text += " (dump with --routines)"
	}
	switch who {
	case dump.Backups:
		if len(l.set.Only) > 0 && slices.Contains(missing, number) {
			return l.lacks(record.LackPart, "something stands on what restore.only leaves out: %s", text)
		}
		if other := l.elsewhere(number, text); other != "" && l.nameless {
			return l.lacks(record.LackDatabase, "it does not say of which database it is, and names %s in itself (give restore.database): %s", other, text)
		} else if other != "" {
			return l.lacks(record.LackWhole, "it leads to database %s, which it does not hold before that (dump both with --databases, that one first): %s", other, text)
		}
		if !l.dump.Known() && !l.set.Unmarked {
			return l.lacks(record.LackEnd, "it does not say what it is, nor that it ends, and the keys and names in it may not stand in the order in which they "+
				"load (mysqldump --compact): %s", text)
		}
		return &restore.BackupError{Backup: l.source.Backup, Reason: text}
	case dump.Images:
		return &restore.ImageError{Backup: l.source.Backup, Reason: text}
	case dump.Hosts:
		return fmt.Errorf("the server on %s could not go on: %s (give the instance more memory or disk)", l.machine.Name(), text)
	case dump.Plans:
		return fmt.Errorf("the server on %s forbids what the dump does: %s (restore.user must be one that may do everything)", l.machine.Name(), text)
	}
	return fmt.Errorf("the client failed, which may be the fault of the backup, the image or the host: %s", text)
}

// elsewhere is the database of what the server misses, where the dump does not hold that one.
func (l *load) elsewhere(number int, text string) string {
	m := inDatabase().FindStringSubmatch(text)
	if m == nil || !slices.Contains(missing, number) || m[1] == l.database || slices.Contains(l.dump.Databases(), m[1]) {
		return ""
	}
	return m[1]
}

var inDatabase = lazy.Regexp(`(?:Table|Unknown database|FUNCTION|PROCEDURE) '?([^\s.']+)(?:\.[^']*)?'? ?(?:doesn't exist|does not exist)?`)

// stranger names what was dumped, where this server need not understand all of it; "" where it must, "unknown" where the dump does not say.
func (l *load) stranger() string {
	d := l.dump
	switch {
	case d.Server == "":
		return "unknown"
	case strings.Contains(d.Server, "MariaDB") && !l.mariadb():
		return "MariaDB " + d.Server
	case !strings.Contains(d.Server, "MariaDB") && l.mariadb():
		return "MySQL " + d.Server
	case newer(d.Server, l.version):
		return d.Server
	}
	return ""
}

// newer compares the first two numbers of versions.
func newer(a, b string) bool {
	var x, y [2]int
	_, _ = fmt.Sscanf(a, "%d.%d", &x[0], &x[1])
	_, _ = fmt.Sscanf(b, "%d.%d", &y[0], &y[1])
	return x[0] > y[0] || x[0] == y[0] && x[1] > y[1]
}

// answers collects what the client prints: warnings, and at the end the mark.
type answers struct {
	mark  string
	ended bool
	line  []byte
	bad   string // the first thing that the server took otherwise than it stands in the dump
	lacks string // the first engine that it does not have
}

func (a *answers) Write(p []byte) (int, error) {
	const most = 400
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		part := rest
		if i >= 0 {
			part = rest[:i]
		}
		a.line = append(a.line, part[:min(len(part), max(0, most-len(a.line)))]...)
		if i < 0 {
			break
		}
		a.take(string(a.line))
		a.line = a.line[:0]
		rest = rest[i+1:]
	}
	return len(p), nil
}

var warning = regexp.MustCompile(`^(Warning|Error) \(Code (\d+)\): (.*)$`)

// changed are the warnings of a server that keeps another value than it was given, or leaves a row out: dumps set a mode in which it does not
// refuse them.
var changed = map[string]bool{"1048": true, "1062": true, "1264": true, "1265": true, "1292": true, "1364": true, "1366": true, "1406": true,
	"1411": true, "1300": true, "1452": true, "1526": true, "4025": true, "3819": true}

func (a *answers) take(line string) {
	if line == a.mark {
		a.ended = true
	}
	m := warning.FindStringSubmatch(line)
	switch {
	case m == nil:
	case a.bad == "" && changed[m[2]]:
		a.bad = dump.Unsaid(m[3])
	case a.lacks == "" && m[2] == "1286": // it takes another engine
		a.lacks = m[3]
	}
}
