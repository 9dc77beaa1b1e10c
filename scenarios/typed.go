package scenarios

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// wide are the signs that an input method for Chinese writes where YAML wants those of ASCII.
var wide = map[rune]string{
	'：': `":" and a space`, '，': `"," and a space`, '｛': `"{"`, '｝': `"}"`, '［': `"["`, '］': `"]"`, '【': `"["`, '】': `"]"`,
	'“': `'"'`, '”': `'"'`, '‘': `"'"`, '’': `"'"`, '＃': `"#"`, '－': `"-"`,
	'\u3000': "plain spaces", '\u00a0': "plain spaces",
}

// mistyped is the hint for a text that holds such a sign; "" where it holds none.
func mistyped(text string) string {
	for _, c := range text {
		if want, ok := wide[c]; ok {
			return fmt.Sprintf("type %s instead of %q", want, c)
		}
	}
	return ""
}

// bare is a line without what stands in quotes and comments, where every sign is allowed.
func bare(line string) string {
	var out strings.Builder
	var quote, last rune
	for _, c := range line {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && (last == 0 || last == ' ' || last == '\t'):
			return out.String()
		default:
			out.WriteRune(c)
		}
		last = c
	}
	return out.String()
}

// syntaxHint says what most likely keeps a file from being YAML: a tab or a sign of another keyboard in the line where
// the reader stopped, or in the one before it.
func syntaxHint(raw []byte, line int) string {
	lines := strings.Split(string(raw), "\n")
	for at := min(line, len(lines)); at >= max(1, line-1); at-- {
		text := bare(strings.TrimSuffix(lines[at-1], "\r"))
		if strings.HasPrefix(strings.TrimLeft(text, " "), "\t") {
			return fmt.Sprintf("line %d is indented with a tab: type spaces", at)
		}
		if hint := mistyped(text); hint != "" {
			return fmt.Sprintf("in line %d %s", at, hint)
		}
	}
	return "look at the indentation, quotes and brackets here and just above"
}

// foreign finds the first byte of a file that is not UTF-8. What begins with the mark of UTF-16 is left to the reader.
func foreign(file string, raw []byte) Problems {
	if utf8.Valid(raw) || bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return nil
	}
	at := 0
	for at < len(raw) {
		c, n := utf8.DecodeRune(raw[at:])
		if c == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	before := raw[:at]
	line := bytes.LastIndexByte(before, '\n') + 1
	return Problems{{File: file, Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[line:]) + 1,
		Message: "is not UTF-8", Hint: "save it as UTF-8; it may be GBK"}}
}
