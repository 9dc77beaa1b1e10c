package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"lifeboat/drills/record"
)

// print writes every item in a line, the numbers of each column, and what other tools say; the error counts what is wrong.
func print(w io.Writer, all []result) error {
	var text strings.Builder
	line := func(name, needs, at, tool string, marks []string, says string) {
		for _, c := range []struct {
			text string
			wide int
		}{{name, 28}, {needs, 22}, {at, 10}} {
			text.WriteString(padded(c.text, c.wide))
		}
		for _, m := range marks {
			text.WriteString(padded(m, 6))
		}
		text.WriteString(padded(tool, 6) + cut(says, 150) + "\n")
	}
	var heads []string
	for i := range columns {
		heads = append(heads, fmt.Sprintf("(%d)", i+1))
	}
	wrong := 0
	for _, broken := range []bool{true, false} {
		if text.WriteString("\n"); broken {
			line("BROKEN", "needs", "caught at", "other", heads, "what a person reads")
		} else {
			line("GOOD", "", "", "other", heads, "what is odd about it")
		}
		for _, r := range all {
			if (r.label != nil) != broken {
				continue
			}
			var marks []string
			at, says, needs := "", r.what, ""
			for _, c := range columns {
				o, known := r.outcomes[c]
				if !known {
					marks = append(marks, "")
					continue
				}
				m := r.marked(c, o)
				if marks = append(marks, string(m)); m.wrong() {
					wrong++
				}
				if m != good && m != passed && m != named && at == "" {
					at, says = string(o.At), o.Says
				}
			}
			if broken {
				needs = r.label.needed()
			}
			line(r.name, needs, at, r.byTools(), marks, says)
		}
	}
	counted(&text, all)
	wrong += listed(&text, all)
	if _, err := io.WriteString(w, text.String()); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d answers are wrong: look for PASSED, ALARM and ASTRAY", wrong)
	}
	return nil
}

// counted writes the numbers of each column.
func counted(text *strings.Builder, all []result) {
	fmt.Fprintf(text, "\n%-28s%8s%24s%12s%22s\n", "of the broken, with", "caught", "passed, but named", "passed", "of the good, alarms")
	for i, c := range columns {
		n := map[mark]int{}
		broken, sound := 0, 0
		for _, r := range all {
			o, known := r.outcomes[c]
			if !known {
				continue
			}
			if n[r.marked(c, o)]++; r.label != nil {
				broken++
			} else {
				sound++
			}
		}
		fmt.Fprintf(text, "(%d) %-24s%8d%24d%12s%22s\n", i+1, c, n[caught]+n[astray], n[named], fmt.Sprintf("%d of %d", n[passed], broken),
			fmt.Sprintf("%d of %d", n[alarm], sound))
	}
	once := 0
	for _, r := range all {
		if r.outcomes[rules].Shared {
			once++
		}
	}
	fmt.Fprintf(text, "%d were caught before anything of their content was asked, and verified once for all columns\n", once)
	byKind(text, all)
}

// byKind writes what came of each kind in the column that has most, and what other tools say.
func byKind(text *strings.Builder, all []result) {
	fmt.Fprintf(text, "\n%-12s%8s%12s%8s%10s    %s\n", "of kind", "broken", "passed", "good", "alarms",
		"other tools call good, of the broken that they were asked of (alarms)")
	for _, kind := range kindsOf(all) {
		var broken, wrong, sound, alarms, asked, fooled, cried int
		for _, r := range all {
			if r.shape.name != kind {
				continue
			}
			bad := func(m mark) int {
				for c, o := range r.outcomes {
					if r.marked(c, o) == m {
						return 1
					}
				}
				return 0
			}
			switch {
			case r.label == nil:
				sound++
				alarms += bad(alarm)
				if r.tool != "" && !r.toolGood {
					cried++
				}
				continue
			case r.tool != "":
				if asked++; r.toolGood {
					fooled++
				}
			}
			broken++
			wrong += bad(passed)
		}
		tools := "-"
		if asked > 0 {
			tools = fmt.Sprintf("%d of %d (%d)", fooled, asked, cried)
		}
		fmt.Fprintf(text, "%-12s%8d%12d%8d%10d    %s\n", kind, broken, wrong, sound, alarms, tools)
	}
}

// kindsOf are the names of shapes, in their order.
func kindsOf(all []result) (names []string) {
	for _, r := range all {
		if !slices.Contains(names, r.shape.name) {
			names = append(names, r.shape.name)
		}
	}
	return names
}

// listed writes what is said to be not looked at, which is the same for good ones and broken ones of a shape that passed; it counts
// those of which something else is said.
func listed(text *strings.Builder, all []result) (wrong int) {
	for i, c := range columns {
		said, lists := map[[2]string][]string{}, map[string]int{}
		for _, r := range all {
			if o, known := r.outcomes[c]; known && o.Status == record.StatusPassed && !r.other {
				kinds := slices.Sorted(slices.Values(o.Unseen))
				of := [2]string{r.shape.name, strings.Join(slices.Compact(kinds), ", ")}
				if said[of] = append(said[of], r.name); len(said[of]) == 1 {
					lists[r.shape.name]++
				}
			}
		}
		for _, of := range slices.SortedFunc(maps.Keys(said), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			fmt.Fprintf(text, "(%d) not looked at, of %d of kind %s that passed: %s\n", i+1, len(said[of]), of[0], cmp.Or(of[1], "nothing is left"))
			if lists[of[0]] > 1 {
				wrong++
			}
		}
	}
	return wrong
}

// byTools is what is said without lifeboat.
func (r result) byTools() string {
	switch {
	case r.tool == "":
		return "-"
	case r.toolGood:
		return "good"
	}
	return "bad"
}

func padded(s string, wide int) string {
	return s + strings.Repeat(" ", max(1, wide-utf8.RuneCountInString(s)))
}

func cut(s string, most int) string {
	if r := []rune(strings.Join(strings.Fields(s), " ")); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func (l *label) needed() string {
	var all []string
	for _, n := range l.needs {
		all = append(all, string(n))
	}
	return strings.Join(all, ", ")
}
