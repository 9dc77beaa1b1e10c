// Package sidecars knows the files that lie beside backups and are about them: they are no backups. It reads the
// manifests among them.
package sidecars

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/store/checksums"
	"lifeboat/scenarios"
)

// Manifest is what the name of a backup's manifest ends with, after the name of the backup.
const Manifest = ".manifest.yaml"

// Profile is what the name of a backup's profile ends with, after the name of the backup.
const Profile = ".profile.json"

// ManifestHint says what a manifest looks like.
const ManifestHint = "a manifest has consistent_to, a time as 2026-01-31T02:00:00Z, and consistent_by"

// What programs and people write beside backups: manifests and marks, signatures, logs and notes (.notes and .protected are of Proxmox VE), data to
// mend a file with, descriptions of machines (virsh dumpxml), tables of contents (pg_restore -l), scripts.
var suffixes = []string{Manifest, ".json", ".xml", ".toc", ".asc", ".sig", ".minisig", ".b2", ".crc", ".sfv", ".par2", ".log", ".err", ".out", ".ok",
	".done", ".lock", ".pid", ".notes", ".protected", ".sh", ".ps1", ".bat", ".ini"}

// Partials end the names under which programs write what is not yet complete.
var Partials = []string{".part", ".partial", ".tmp", ".temp", ".incomplete", ".inprogress", ".in-progress", ".uploading",
	".writing", ".filepart", ".crdownload", ".aria2", "~"}

// Partial tells which names, or paths, are of files that are still being written, and the name that the file will have.
func Partial(name string) (complete string, is bool) {
	for _, suffix := range Partials {
		if rest, ok := strings.CutSuffix(name, suffix); ok && rest != "" && !strings.HasSuffix(rest, "/") {
			return rest, true
		}
	}
	return "", false
}

// Match is path.Match for the name of a backup; one that is still being written matches as it will once it is complete.
func Match(pattern, name string) bool {
	if ok, _ := path.Match(pattern, name); ok {
		return true
	}
	complete, is := Partial(name)
	ok, _ := path.Match(pattern, complete)
	return is && ok
}

// names of lists of digests, and of the folder that a file system makes for itself.
var names = []string{"CHECKSUMS",
	"checksums.txt", "README", "README.md", "README.txt", "lost+found", "System Volume Information", "$RECYCLE.BIN", "Thumbs.db", "@eaDir", "#recycle",
	"#snapshot"}

// Is tells which names, or paths, are no backups: sidecars, lists of digests and what is hidden.
func Is(name string) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, ".") || slices.Contains(names, base) {
		return true
	}
	if _, list := checksums.Of(base); list || checksums.IsList(base) {
		return true
	}
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(base, suffix) })
}

// Consistency reads from the text of a manifest the time that its backup is consistent to, and the source of that
// time; zero and "" where it does not say so. Errors name the file.
func Consistency(file, text string) (to time.Time, by string, err error) {
	var m struct {
		ConsistentTo time.Time `yaml:"consistent_to"`
		ConsistentBy string    `yaml:"consistent_by"` // free text: how that time is known
	}
	settings, err := scenarios.ParseSettings("manifest", text)
	if err != nil {
		return time.Time{}, "", fmt.Errorf("%s: %w", file, err)
	}
	if problems := settings.Decode(&m); len(problems) > 0 {
		return time.Time{}, "", fmt.Errorf("%s: %w", file, problems[0])
	}
	switch {
	case m.ConsistentTo.IsZero():
		return time.Time{}, "", nil
	case m.ConsistentBy != "":
		return m.ConsistentTo, fmt.Sprintf("manifest %s: %s", file, m.ConsistentBy), nil
	}
	return m.ConsistentTo, fmt.Sprintf("manifest %s", file), nil
}

// explained stands before the words of a manifest's author.
const explained = ": "

// Explained tells whether the source of a time is a manifest that says how the time is known.
func Explained(by string) bool {
	return strings.HasPrefix(by, "manifest ") && strings.Contains(by, Manifest+explained)
}
