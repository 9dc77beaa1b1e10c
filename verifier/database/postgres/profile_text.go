package postgres

import (
	"strings"

	"lifeboat/internal/lazy"
)

// written are the kinds of things whose words the server makes of what it keeps.
var written = map[string]bool{"view": true, "materialized view": true, "rule": true, "default": true, "generated": true, "constraint": true,
	"index": true, "policy": true, "trigger": true, "domain": true, "publication": true, "statistics": true}

var token = lazy.Regexp(`E?'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|\s+|::|.`)

var worded = lazy.Regexp(`^["\p{L}_]`)

// deparsed evens out what a server writes in another way once it has read its own text: the cast of an array is that of its elements then.
// Line breaks are for the eye.
func deparsed(text string) string {
	all := token().FindAllString(text, -1)
	for i, t := range all {
		if strings.TrimSpace(t) == "" {
			all[i] = " "
		}
	}
	return strings.TrimSpace(strings.Join(elements(all), ""))
}

// elements puts casts of arrays on their elements.
func elements(all []string) []string {
	var out []string
	for i := 0; i < len(all); i++ {
		parts, cast, end := castArray(all[i:])
		if end == 0 {
			out = append(out, all[i])
			continue
		}
		out = append(out, "ARRAY[")
		for n, p := range parts {
			if n > 0 {
				out = append(out, ", ")
			}
			out = append(append(append(out, "("), elements(p)...), ")::"+cast)
		}
		out = append(out, "]")
		i += end - 1
	}
	return out
}

// castArray takes (ARRAY[a, b])::type[] apart. end is how many tokens that is; 0: something else stands there.
func castArray(all []string) (parts [][]string, cast string, end int) {
	if len(all) < 8 || all[0] != "(" || all[1] != "ARRAY" || all[2] != "[" {
		return nil, "", 0
	}
	depth, begin, i := 0, 3, 3
	for ; i < len(all) && depth >= 0; i++ {
		switch t := all[i]; {
		case t == "(" || t == "[":
			depth++
		case t == ")" || t == "]":
			depth--
		}
		if depth < 0 || depth == 0 && all[i] == "," {
			part := all[begin:i]
			if len(part) > 0 && part[0] == " " {
				part = part[1:]
			}
			parts, begin = append(parts, part), i+1
		}
	}
	if i+2 >= len(all) || all[i] != ")" || all[i+1] != "::" {
		return nil, "", 0
	}
	for k := i + 2; k+1 < len(all); k++ {
		switch t := all[k]; {
		case t == "[" && all[k+1] == "]":
			return parts, strings.Join(all[i+2:k], ""), k + 2
		case t == "(": // numeric(3,1)
			for k+1 < len(all) && all[k] != ")" {
				k++
			}
		case t != "." && t != " " && !worded().MatchString(t):
			return nil, "", 0
		}
	}
	return nil, "", 0
}
