package checksums

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"lifeboat/drills/record"
)

// tagged is what a line of sha256sum --tag or of openssl dgst holds between its tag and the digest; false: it has no such tag.
func tagged(algorithm, line string) (rest string, ok bool) {
	upper := strings.ToUpper(algorithm)
	for _, tag := range []string{upper, strings.Replace(upper, "SHA", "SHA2-", 1)} {
		if rest, ok = strings.CutPrefix(line, tag); ok {
			if rest, ok = strings.CutPrefix(strings.TrimPrefix(rest, " "), "("); ok {
				return rest, true
			}
		}
	}
	return "", false
}

// parse reads one line: text (two blanks), binary (blank and asterisk), tagged, each with an escaped name after a
// leading backslash.
func parse(algorithm, line string) (digest, name string, ok bool) {
	line, escaped := strings.CutPrefix(line, `\`)
	n := 2 * record.Digest{Algorithm: algorithm}.Hash().Size()
	if rest, is := tagged(algorithm, line); is {
		end := strings.LastIndex(rest, ")")
		name, digest = rest[:max(end, 0)], strings.TrimLeft(rest[end+1:], " =")
		ok = end > 0
	} else if len(line) >= n+3 && line[n] == ' ' && (line[n+1] == ' ' || line[n+1] == '*') {
		digest, name, ok = line[:n], line[n+2:], true
	}
	d, is := record.ParseDigest(algorithm + ":" + strings.TrimSpace(digest))
	if !ok || !is {
		return "", "", false
	}
	if escaped {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	return d.Value, name, path.Base(name) != "/" && path.Base(name) != ".."
}

// Files are the digests of a list of SHA-256 by the paths of its files, which lie below the list's folder. A line that is none, or a path
// that leads elsewhere, is an error that names the line.
func Files(text string) (map[string]string, error) {
	all := map[string]string{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if strings.TrimSpace(line) == "" {
			continue
		}
		digest, name, ok := parse(record.SHA256, strings.TrimRight(line, "\r\n"))
		clean := path.Clean(name)
		if !ok || path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") {
			return nil, fmt.Errorf("line %d says no SHA-256 of a file below it", n)
		}
		if was := all[clean]; was != "" && was != digest {
			return nil, fmt.Errorf("line %d says another digest of %q than a line before it", n, clean)
		}
		all[clean] = digest
	}
	if len(all) == 0 {
		return nil, errors.New("it lists no file")
	}
	return all, nil
}
