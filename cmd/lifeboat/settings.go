package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/drills"
	"lifeboat/reports"
	"lifeboat/scenarios"
	"lifeboat/scenarios/library"
)

// language of the user: LIFEBOAT_LANG, or what the locale begins with.
func language() string {
	if l := os.Getenv("LIFEBOAT_LANG"); l != "" {
		return l
	}
	for _, key := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(key); v != "" {
			if strings.HasPrefix(v, "zh") {
				return string(reports.Chinese)
			}
			break
		}
	}
	return string(reports.English)
}

func (a *app) lang() (reports.Language, error) {
	l, ok := reports.ParseLanguage(a.language)
	if !ok {
		return "", fmt.Errorf("--lang %q: choose one of %v", a.language, reports.Languages())
	}
	return l, nil
}

func (a *app) log() *slog.Logger {
	level := slog.LevelWarn
	if a.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.logs, &slog.HandlerOptions{Level: level}))
}

// load reads a scenario by its path, or a shipped one by its name, and says everything that is wrong with it: in the
// file, and in the eyes of the back-ends that it names.
func (a *app) load(arg, files string) (*scenarios.Scenario, error) {
	path, err := scenarioPath(arg, files)
	if err != nil {
		return nil, err
	}
	s, problems := a.reader.Read(path)
	return a.checked(path, s, problems)
}

// checked says what is wrong with a scenario that was read, in the eyes of the back-ends that it names, too.
func (a *app) checked(path string, s *scenarios.Scenario, problems scenarios.Problems) (*scenarios.Scenario, error) {
	if s != nil {
		problems = append(problems, drills.Check(a.kit(), s)...)
	}
	if len(problems) > 0 {
		return nil, problems.Sorted(path)
	}
	return s, nil
}

// scenarioPath is that of a scenario's file. A scenario is given by its path, or a shipped one by its name: that one is looked for in the
// folder of the demo's files, and written there when it is missing.
func scenarioPath(arg, files string) (string, error) {
	file, _, _ := strings.Cut(arg, "#") // of one of its drills
	if strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml") || strings.HasSuffix(file, ".yaml") ||
		strings.HasSuffix(file, ".yml") {
		return arg, nil
	}
	if !library.Has(arg) {
		return "", fmt.Errorf("find scenario %q: neither a .yaml file nor one of the shipped %s",
			arg, strings.Join(library.Names(), ", "))
	}
	if _, err := os.Stat(filepath.Join(files, "backups")); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("find the backups of %s in %s: there is no folder backups; "+
			"make demo-files DIR=%s makes the demo's, --files says where yours are", arg, files, files)
	}
	return library.Write(arg, files)
}

// parts gives every drill of the scenarios that are named: a file may hold several.
func parts(args []string) []string {
	var all []string
	for _, arg := range args {
		all = append(all, scenarios.Parts(arg)...)
	}
	return all
}

// words is the catalogue in one language.
type words struct {
	cat  *reports.Catalogue
	lang reports.Language
}

func (a *app) words() (words, error) {
	lang, err := a.lang()
	return words{cat: reports.Messages(), lang: lang}, err
}

// Text is a label of the catalogue.
func (w words) Text(key string, args map[string]string) string { return w.cat.Label(w.lang, key, args) }
