package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

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

// load reads a scenario by its path, or a shipped one by its name: that one is looked for in the
// folder of the demo's files, and written there when it is missing.
func load(arg, files string) (*scenarios.Scenario, error) {
	if strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml") {
		return scenarios.Load(arg)
	}
	if !library.Has(arg) {
		return nil, fmt.Errorf("find scenario %q: neither a .yaml file nor one of the shipped %s",
			arg, strings.Join(library.Names(), ", "))
	}
	if _, err := os.Stat(filepath.Join(files, "backups")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find the backups of %s in %s: there is no folder backups; "+
			"make demo-files DIR=%s makes the demo's, --files says where yours are", arg, files, files)
	}
	path, err := library.Write(arg, files)
	if err != nil {
		return nil, err
	}
	return scenarios.Load(path)
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
