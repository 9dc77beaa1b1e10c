package checksums

import (
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
