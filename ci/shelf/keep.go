package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// answers is what came of a backup, as it is kept in a line of a file.
type answers struct {
	Lifeboat string             `json:"lifeboat"` // digest of the program that gave them
	Name     string             `json:"name"`
	Outcomes map[column]outcome `json:"outcomes"`
	Tool     string             `json:"tool,omitempty"`
	ToolGood bool               `json:"tool_good,omitempty"`
	Seconds  float64            `json:"seconds"`
}

// keeper keeps answers: whoever is stopped has those that he had.
type keeper struct {
	file     *os.File
	lifeboat string
	of       map[string]answers
	begun    time.Time
	wrote    error
}

// keptIn opens the file of a call's answers; with resume it takes those that the same lifeboat gave.
func keptIn(a call) (*keeper, error) {
	k := &keeper{of: map[string]answers{}, begun: time.Now()}
	raw, err := os.ReadFile(a.lifeboat)
	if err != nil {
		return nil, err
	}
	k.lifeboat = fmt.Sprintf("sha256:%x", sha256.Sum256(raw))
	if a.resume {
		if err := k.load(a.results); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(a.results), 0o755); err != nil {
		return nil, err
	}
	if k.file, err = os.Create(a.results); err != nil {
		return nil, err
	}
	for _, was := range k.of {
		k.write(was)
	}
	return k, k.wrote
}

func (k *keeper) load(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		var was answers
		if err := json.Unmarshal(lines.Bytes(), &was); err == nil && was.Lifeboat == k.lifeboat { // a run that was killed cut its last line
			k.of[was.Name] = was
		}
	}
	return lines.Err()
}

// Close closes the file.
func (k *keeper) Close() error { return k.file.Close() }

func (k *keeper) write(a answers) {
	line, err := json.Marshal(a)
	if err == nil {
		_, err = k.file.Write(append(line, '\n'))
	}
	k.wrote = errors.Join(k.wrote, err)
}

// has tells whether everything that is asked of an item was answered.
func (k *keeper) has(i item, asked func(item, column) bool) bool {
	was, known := k.of[i.name]
	for _, c := range columns {
		if _, answered := was.Outcomes[c]; asked(i, c) && !answered {
			return false
		}
	}
	return known
}

// take keeps what came of an item, and says it in a line.
func (k *keeper) take(r result, progress io.Writer, of int) {
	a := answers{Lifeboat: k.lifeboat, Name: r.name, Outcomes: r.outcomes, Tool: r.tool, ToolGood: r.toolGood, Seconds: r.took.Seconds()}
	k.of[r.name] = a
	k.write(a)
	marks := ""
	for _, c := range columns {
		if o, known := r.outcomes[c]; known {
			m := r.marked(c, o)
			if marks += " " + string(m); m.wrong() {
				marks += fmt.Sprintf(" (%s at %s: %s)", o.Status, o.At, cut(o.Says, 300))
			}
		} else {
			marks += " ·"
		}
	}
	fmt.Fprintf(progress, "%3d/%d %6.0f s  %-28s%s  %.0f s\n", len(k.of), of, time.Since(k.begun).Seconds(), r.name, marks, a.Seconds)
}

// results are what is known of items, in their order.
func (k *keeper) results(items []item) (all []result) {
	for _, i := range items {
		if a, known := k.of[i.name]; known {
			all = append(all, result{item: i, outcomes: a.Outcomes, tool: a.Tool, toolGood: a.ToolGood})
		}
	}
	return all
}
