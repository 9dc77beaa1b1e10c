package scenarios

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/internal/lazy"
)

// exportsDefault tells whether a script has a default function.
var exportsDefault = lazy.Regexp(`\bexport\s+default\b|\bas\s+default\b|\bexports\.default\b|\bmodule\.exports\b`)

// flowScenario holds the scenario that is named for a script against those in its options. One without a default
// function and with several of them must be told which; one with both is told what runs.
func (r *review) flowScenario(script string, wanted string, problem func(hint, format string, args ...any)) {
	raw := r.scriptAt(script)
	names := scenarioNames(string(raw))
	switch {
	case len(names) == 0:
	case wanted != "" && !slices.Contains(names, wanted):
		problem(nearest(wanted, names, "scenarios in the script's options: "), "the script has no scenario %q", clip(wanted))
	case wanted == "" && len(names) > 1 && !exportsDefault().Match(raw):
		problem("choose one of "+strings.Join(names, ", ")+" by scenario: "+names[0],
			"the script has %d scenarios in its options and no default function", len(names))
	case wanted == "" && len(names) > 1:
		rel, _ := filepath.Rel(r.sc.Dir, script)
		note := fmt.Sprintf("%s has %d scenarios in its options, and none of them is chosen: its default function is what runs, "+
			"without their exec and env; to run one, choose it by scenario: (%s)", rel, len(names), strings.Join(names, ", "))
		if !slices.Contains(r.sc.Notes, note) {
			r.sc.Notes = append(r.sc.Notes, note)
		}
	}
}

// afterUpgrade checks the flow that asks after an upgrade: there must be one, and it must ask something else.
func (r *review) afterUpgrade(f *Flow) {
	other := f.AfterUpgrade
	if other == nil {
		return
	}
	upgrades := len(r.sc.Upgrade) > 0 || slices.ContainsFunc(r.sc.Incidents, func(in Incident) bool { return len(in.Upgrade) > 0 })
	if !upgrades {
		r.problem("flow.after_upgrade", "add the steps of the upgrade, or delete it", "there is no upgrade after which it could ask")
	}
	if other.Script == "" {
		other.Script = f.Script
	} else {
		other.Script = r.flowScript("flow.after_upgrade.script", other.Script, Settings{})
	}
	if other.Script == f.Script && other.Scenario == f.Scenario && other.Env == nil {
		r.problem("flow.after_upgrade", "name another script, another scenario of its options, or another env", "it is the flow itself")
		return
	}
	r.flowScenario(other.Script, other.Scenario, func(hint, format string, args ...any) {
		r.problem("flow.after_upgrade.scenario", hint, format, args...)
	})
}

// scenarioNames lists the keys below scenarios: in a script, where they are written out. It reads
// letters, not JavaScript: what is put together at run time k6 itself says.
func scenarioNames(text string) []string {
	text = comments().ReplaceAllString(text, "")
	at := scenariosKey().FindStringIndex(text)
	if at == nil {
		return nil
	}
	s := jsScanner{text: []rune(text[at[1]:]), line: 1, column: 1}
	var names []string
	key := ""
	for depth := 1; !s.end() && depth > 0; {
		switch c := s.text[s.at]; {
		case c == '\'' || c == '"' || c == '`':
			key, _ = s.quoted(c)
		case c == '{' || c == '[' || c == '(':
			depth++
			s.step()
		case c == '}' || c == ']' || c == ')':
			depth--
			s.step()
		case c == ':':
			if depth == 1 && key != "" {
				names = append(names, key)
			}
			key = ""
			s.step()
		case c == '.' || c == ',' || c == '?': // a spread, or the end of a value
			key = ""
			s.step()
		case isWord(c):
			from := s.at
			for !s.end() && isWord(s.text[s.at]) {
				s.step()
			}
			key = string(s.text[from:s.at])
		default:
			s.step()
		}
	}
	return names
}

// comments leave addresses alone: their slashes follow a colon.
var comments = lazy.Regexp(`(?m)(?:^|\s)//.*$|(?s:/\*.*?\*/)`)

var scenariosKey = lazy.Regexp(`(?m)(?:^|[{,\s])['"]?scenarios['"]?\s*:\s*\{`)

// jsScanner walks through a script.
type jsScanner struct {
	text         []rune
	at           int
	line, column int
}

func (s *jsScanner) end() bool { return s.at >= len(s.text) }

// has tells whether a text comes next.
func (s *jsScanner) has(text string) bool {
	for i, c := range []rune(text) {
		if s.at+i >= len(s.text) || s.text[s.at+i] != c {
			return false
		}
	}
	return true
}

// step goes on by a letter.
func (s *jsScanner) step() {
	if s.end() {
		return
	}
	s.column++
	if s.text[s.at] == '\n' {
		s.line, s.column = s.line+1, 1
	}
	s.at++
}

// quoted reads a text in quotes and tells whether it is plain: closed, without
// escapes and without ${…}. A line break ends what is no template: an
// apostrophe in a regular expression must not hide the rest of the script.
func (s *jsScanner) quoted(quote rune) (string, bool) {
	var text strings.Builder
	plain := true
	for s.step(); !s.end(); s.step() {
		switch c := s.text[s.at]; {
		case c == quote:
			s.step()
			return text.String(), plain
		case c == '\n' && quote != '`':
			return "", false
		case c == '\\':
			plain = false
			s.step()
		case s.has("${"):
			plain = false
		default:
			text.WriteRune(c)
		}
	}
	return "", false
}

func isWord(c rune) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c > 127
}
