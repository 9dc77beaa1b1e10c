package qemu

import (
	"strings"
	"unicode"

	"lifeboat/internal/lazy"
)

var (
	// cursorMoves begin another line of the screen.
	cursorMoves = lazy.Regexp(`\x1b\[\d*(?:;\d*)?[HJf]|\x1bc`)
	// sequences are the rest of ECMA-48's control sequences. systemd shortens lines in the middle of one.
	sequences = lazy.Regexp(`\x1b\[[0-9;?=<>]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()#][0-9A-Za-z]|` +
		`\x1b(?:\[[0-9;?]*)?…|…\[[0-9;]*m|\x1b[=>78DEHM]`)
)

// plainLines are the lines of a terminal's output as a person sees them in the end: without control sequences, what was
// printed over, and empty lines.
func plainLines(raw string) []string {
	raw = cursorMoves().ReplaceAllString(raw, "\n")
	raw = sequences().ReplaceAllStringFunc(raw, func(s string) string {
		if strings.Contains(s, "…") {
			return "…"
		}
		return ""
	})
	var lines []string
	for line := range strings.SplitSeq(raw, "\n") {
		line = strings.TrimRight(line, "\r")
		if i := strings.LastIndexByte(line, '\r'); i >= 0 {
			line = line[i+1:]
		}
		line = strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case r == unicode.ReplacementChar || !unicode.IsPrint(r):
				return -1
			}
			return r
		}, line)
		if line = strings.TrimRight(line, " "); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
