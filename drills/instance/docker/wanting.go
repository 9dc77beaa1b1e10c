package docker

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
)

// wanting are the words with which entry points of well-known images say that a variable must be given, each with those that it names
// where the words do not. Words that a broken image might print, too (a shell's "parameter not set"), are not among them.
var wanting = []struct {
	words *regexp.Regexp
	names []string
}{
	{regexp.MustCompile(`Database is uninitialized and (superuser )?password (option )?is not specified`), nil}, // postgres, mysql, mariadb
	{regexp.MustCompile(`The [A-Z0-9_]+ environment variable is (empty or )?not set`), nil},                     // bitnami's
	{regexp.MustCompile(`End-User License Agreement \(EULA\) must be accepted`), []string{"ACCEPT_EULA"}},       // mssql
}

var (
	variable = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b`)
	atOnce   = time.Minute // after its start: one that ran for longer wanted something else
)

const (
	wantedLines = 6 // that may name the variables, behind the words
	wantedMost  = 4
)

// wants are the variables for want of which a container ended at once, as it says itself, where it was given none of them.
func wants(i container.InspectResponse, console string) []string {
	if s := i.State; s == nil || s.Running || s.ExitCode == 0 || !endedWithin(s, atOnce) {
		return nil
	}
	lines := strings.Split(console, "\n")
	for n, line := range lines {
		for _, w := range wanting {
			if !w.words.MatchString(line) {
				continue
			}
			names := slices.Clone(w.names)
			for _, l := range lines[n:min(len(lines), n+wantedLines)] {
				for _, name := range variable.FindAllString(l, -1) {
					if !slices.Contains(names, name) {
						names = append(names, name)
					}
				}
			}
			if len(names) > 0 && !slices.ContainsFunc(i.Config.Env, func(e string) bool {
				name, value, _ := strings.Cut(e, "=")
				return value != "" && slices.Contains(names, name)
			}) {
				return names[:min(len(names), wantedMost)]
			}
		}
	}
	return nil
}

func endedWithin(s *container.State, within time.Duration) bool {
	began, err := time.Parse(time.RFC3339Nano, s.StartedAt)
	if err != nil {
		return false
	}
	ended, err := time.Parse(time.RFC3339Nano, s.FinishedAt)
	return err == nil && ended.Sub(began) < within
}
