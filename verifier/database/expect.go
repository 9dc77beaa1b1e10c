package database

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lifeboat/scenarios"
)

// Table is a small answer.
type Table struct {
	Rows [][]string `json:"rows"`
	// Cut tells that there were more rows than are kept.
	Cut bool `json:"cut,omitempty"`
}

const (
	mostRows  = 1000
	mostBytes = 256 << 10
)

var errCut = errors.New("enough rows")

// Text is the answer as psql -At prints it: columns with | between, a row a line.
func (t Table) Text() string {
	var lines []string
	for _, r := range t.Rows {
		lines = append(lines, strings.Join(r, "|"))
	}
	return strings.Join(lines, "\n")
}

// Expect is what a query's answer is held against. Embed it in a check's own keys.
type Expect struct {
	Exact   *string  `yaml:"expect"`   // as psql -At prints it: a|b, one row a line
	Matches string   `yaml:"matches"`  // regular expression (RE2) over the same text
	AtLeast *float64 `yaml:"at_least"` // for an answer of one number
	AtMost  *float64 `yaml:"at_most"`  // likewise
	Same    bool     `yaml:"same"`     // as before the upgrade

	pattern *regexp.Regexp
}

// Complete checks that something is expected.
func (e *Expect) Complete(s scenarios.Settings) []scenarios.Problem {
	var problems []scenarios.Problem
	var err error
	if e.Matches != "" {
		if e.pattern, err = regexp.Compile(e.Matches); err != nil {
			problems = append(problems, s.Problem("matches", "", "%v", err))
		} else if e.pattern.MatchString("") {
			problems = append(problems, s.Problem("matches", "anchor it, such as ^ok$", "it also matches an empty answer"))
		}
	}
	if e.Exact != nil && strings.TrimSpace(*e.Exact) == "" {
		problems = append(problems, s.Problem("expect", `such as expect: "1"`, "an empty answer proves nothing"))
	}
	if e.Exact == nil && e.Matches == "" && e.AtLeast == nil && e.AtMost == nil && !e.Same && len(problems) == 0 {
		problems = append(problems, s.Problem("", "add expect, matches, at_least, at_most or same",
			"%s expects nothing", s.Kind))
	}
	if e.AtLeast != nil && e.AtMost != nil && *e.AtLeast > *e.AtMost {
		problems = append(problems, s.Problem("at_least", "", "no number is at least %v and at most %v", *e.AtLeast,
			*e.AtMost))
	}
	return problems
}

// Hold says what is wrong with an answer; "" is nothing. before is nil where there is none.
func (e Expect) Hold(before *Table, now Table) (wrong string, diff []string) {
	text := now.Text()
	switch {
	case now.Cut:
		return fmt.Sprintf("the answer is larger than %d rows or %d KiB", mostRows, mostBytes>>10), nil
	case len(now.Rows) == 0 || text == "":
		return "nothing came back", nil
	case e.Exact != nil && text != strings.TrimRight(*e.Exact, "\n"):
		return fmt.Sprintf("the answer is %q, not %q", text, *e.Exact), nil
	case e.Matches != "" && (e.pattern == nil || text == "" || !e.pattern.MatchString(text)):
		return fmt.Sprintf("the answer is %q, which %q does not match", text, e.Matches), nil
	}
	if e.AtLeast != nil || e.AtMost != nil {
		n, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
			return fmt.Sprintf("the answer is %q, not a number", text), nil
		case e.AtLeast != nil && n < *e.AtLeast:
			return fmt.Sprintf("%s is less than %v", text, *e.AtLeast), nil
		case e.AtMost != nil && n > *e.AtMost:
			return fmt.Sprintf("%s is more than %v", text, *e.AtMost), nil
		}
	}
	switch {
	case e.Same && blank(now):
		return fmt.Sprintf("the answer is %q, which proves nothing", text), nil
	case e.Same && before != nil && !slices.EqualFunc(before.Rows, now.Rows, slices.Equal):
		return "the answer differs from before the upgrade", differ(before.Text(), text)
	}
	return "", nil
}

// blank tells whether every value is empty.
func blank(t Table) bool {
	return !slices.ContainsFunc(t.Rows, func(row []string) bool {
		return slices.ContainsFunc(row, func(v string) bool { return v != "" && v != "NULL" })
	})
}

// mostDiff lines are shown.
const mostDiff = 20

func differ(before, after string) []string {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	var diff []string
	for i := range max(len(was), len(is)) {
		a, b := "no row", "no row"
		if i < len(was) {
			a = was[i]
		}
		if i < len(is) {
			b = is[i]
		}
		if a == b {
			continue
		}
		if len(diff) == mostDiff {
			return append(diff, "…")
		}
		diff = append(diff, fmt.Sprintf("row %d: %q before, %q after the rollback", i+1, a, b))
	}
	return diff
}
