package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/internal/userfile"
)

// longestOptions is what is read of an option file, bytes.
const longestOptions = 1 << 20

// optionFiles are the options that the files of a client of MySQL or MariaDB give to some groups, spelled as on a command line, and the rest of
// that without what names such files.
func optionFiles(args []string, groups ...string) (options, rest, problems []string) {
	files := []string{"/etc/my.cnf", "/etc/mysql/my.cnf", "", ""}
	if home, err := os.UserHomeDir(); err == nil {
		files[3] = filepath.Join(home, ".my.cnf")
	}
	for rest = args; len(rest) > 0; rest = rest[1:] { // they count at the beginning only
		name, value, _ := strings.Cut(strings.ReplaceAll(rest[0], "_", "-"), "=")
		if i := strings.Index(rest[0], "="); i >= 0 {
			value = rest[0][i+1:]
		}
		switch name {
		case "--no-defaults":
			files = nil
		case "--defaults-file":
			files = []string{value}
		case "--defaults-extra-file":
			if len(files) > 2 {
				files[2] = value
			}
		case "--defaults-group-suffix", "--login-path":
			return nil, rest, []string{name + ": it is not read here: give --defaults-extra-file=FILE instead"}
		default:
			name = ""
		}
		if name == "" {
			break
		}
	}
	for _, f := range files {
		if f == "" {
			continue
		}
		found, err := optionFile(f, groups, 0)
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && !slices.ContainsFunc(args, func(a string) bool { return strings.HasSuffix(a, "="+f) })) {
			problems = append(problems, fmt.Sprintf("read the option file %s: %v", f, err))
		}
		options = append(options, found...)
	}
	return spelled(options), rest, problems
}

// optionFile reads one, and those that it includes.
func optionFile(name string, groups []string, depth int) (options []string, err error) {
	if depth > 10 {
		return nil, errors.New("option files include each other")
	}
	raw, err := userfile.Read(name, longestOptions)
	if err != nil {
		return nil, err
	}
	within := false
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		word, more, _ := strings.Cut(line, " ")
		var found []string
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			within = slices.Contains(groups, strings.TrimSpace(strings.Trim(line, "[]")))
		case word == "!include":
			found, err = optionFile(strings.TrimSpace(more), groups, depth+1)
		case word == "!includedir":
			var all []string
			if all, err = filepath.Glob(filepath.Join(strings.TrimSpace(more), "*.cnf")); err != nil {
				return nil, err
			}
			for _, f := range all {
				var some []string
				if some, err = optionFile(f, groups, depth+1); err != nil {
					return nil, err
				}
				found = append(found, some...)
			}
		case within:
			found = []string{filed(line)}
		}
		if err != nil {
			return nil, err
		}
		options = append(options, found...)
	}
	return options, nil
}

// filed is a line of an option file as it would stand on a command line.
func filed(line string) string {
	key, value, given := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !given {
		key, _, _ = strings.Cut(key, " #")
		return "--" + strings.TrimSpace(key)
	}
	if n := len(value); n > 1 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] {
		value = value[1 : n-1]
	} else if before, _, comment := strings.Cut(value, " #"); comment {
		value = strings.TrimSpace(before)
	}
	return "--" + key + "=" + strings.NewReplacer(`\\`, `\`, `\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\b`, "\b").Replace(value)
}
