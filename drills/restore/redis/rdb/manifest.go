package rdb

import (
	"regexp"
	"strconv"
	"strings"
)

// Part of a log in several.
type Part struct {
	Name string
	Seq  int
	Base bool
}

// Manifest names the parts of a log in the order in which they are read.
type Manifest struct{ Parts []Part }

// partName is what the server calls them.
var partName = regexp.MustCompile(`^(.+)\.(\d+)\.(base\.rdb|base\.aof|incr\.aof)$`)

// PartOf tells of a file by its name which part of which log it is; false: of none.
func PartOf(name string) (log string, p Part, ok bool) {
	m := partName.FindStringSubmatch(name)
	if m == nil {
		return "", Part{}, false
	}
	seq, err := strconv.Atoi(m[2])
	return m[1], Part{Name: name, Seq: seq, Base: strings.HasPrefix(m[3], "base")}, err == nil
}

// ParseManifest reads a manifest. Parts that are only still to be removed are not among its parts.
func ParseManifest(text string) (Manifest, error) {
	var m Manifest
	last := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		said := map[string]string{}
		words := fields(line)
		for i := 0; i+1 < len(words); i += 2 {
			said[words[i]] = words[i+1]
		}
		seq, err := strconv.Atoi(said["seq"])
		name := said["file"]
		if err != nil || name == "" || strings.ContainsAny(name, "/\x00") {
			return m, damage("its manifest has a line that names no part: %q", short(line))
		}
		switch said["type"] {
		case "h":
		case "b":
			if len(m.Parts) > 0 {
				return m, damage("its manifest names a base, %s, behind other parts", name)
			}
			m.Parts = append(m.Parts, Part{name, seq, true})
		case "i":
			if last > 0 && seq != last+1 {
				return m, damage("its manifest names increment %d behind increment %d: what lies between them is missing", seq, last)
			}
			last = seq
			m.Parts = append(m.Parts, Part{name, seq, false})
		default:
			return m, damage("its manifest has a line that names no part: %q", short(line))
		}
	}
	if len(m.Parts) == 0 {
		return m, damage("its manifest names no part")
	}
	return m, nil
}

// fields splits a line as the server does: by blanks, with quotes around what holds some.
func fields(line string) []string {
	var all []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		word, rest, _ := strings.Cut(line, " ")
		if line[0] == '"' {
			if quoted, err := strconv.QuotedPrefix(line); err == nil {
				word, _ = strconv.Unquote(quoted)
				rest = line[len(quoted):]
			}
		}
		all, line = append(all, word), rest
	}
	return all
}

func short(line string) string {
	const most = 80
	return line[:min(len(line), most)]
}
