// Package pgbackrest reads what a repository of pgBackRest says of itself: its list of backups, their manifests, and its encryption. It
// knows the format of version 5, which every release since 2.0 writes.
package pgbackrest

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
)

// Info is a backup.info or an archive.info.
type Info struct {
	Backups map[string]Backup // by label; of a backup.info
	System  uint64            // identifier of the cluster that is backed up now
	Version string            // of PostgreSQL: 15
	Archive string            // folder of that cluster's WAL: 15-1
	Pass    string            // that the manifests, or the WAL, are encrypted by; "": they are not
}

// Backup is a line of a backup.info.
type Backup struct {
	Type    string   `json:"backup-type"` // full, diff, incr
	Prior   string   `json:"backup-prior"`
	Needs   []string `json:"backup-reference"` // labels whose files it uses
	Stopped int64    `json:"backup-timestamp-stop"`
	Failed  bool     `json:"backup-error"` // pages with wrong checksums were found while it was made
}

// Time is when it was complete.
func (b Backup) Time() time.Time { return time.Unix(b.Stopped, 0).UTC() }

// Manifest is a backup.manifest.
type Manifest struct {
	First             string // segment of WAL that it needs first; "": it was taken of a server that was shut down
	LSNStart, LSNStop string
	System            uint64
	Archive           string // folder of its cluster's WAL
	Compress          string // none, gz, lz4, zst, bz2
	Pass              string // that its files are encrypted by
	Files             map[string]File
	Folders           []string
	Blocks            bool // some files are kept as the blocks that changed
}

// File is one of a backup.
type File struct {
	Size      int64  `json:"size"`
	Repo      int64  `json:"repo-size"` // bytes in the repository
	Sum       string `json:"checksum"`  // SHA-1 of what was backed up; "": it is empty
	Reference string `json:"reference"` // label in whose folder it lies; "": its own
	Bundle    int64  `json:"bni"`       // number of the file with many; 0: it has one of its own
	Offset    int64  `json:"bno"`
	Blocks    int64  `json:"bims"` // bytes of the map of blocks; 0: it is kept whole
}

// Place of a file in the folder of backups of its stanza.
func (f File) Place(label, name, extension string) string {
	if f.Reference != "" {
		label = f.Reference
	}
	if f.Bundle != 0 {
		return path.Join(label, "bundle", strconv.FormatInt(f.Bundle, 10))
	}
	return path.Join(label, name) + extension
}

// ReadInfo reads it.
func ReadInfo(text string) (*Info, error) {
	i, id := &Info{Backups: map[string]Backup{}}, ""
	err := lines(text, func(section, key, value string) error {
		switch section + "/" + key {
		case "db/db-system-id":
			return json.Unmarshal([]byte(value), &i.System)
		case "db/db-version":
			return json.Unmarshal([]byte(value), &i.Version)
		case "db/db-id":
			id = value
		case "cipher/cipher-pass":
			return json.Unmarshal([]byte(value), &i.Pass)
		}
		if section == "backup:current" {
			var b Backup
			if err := json.Unmarshal([]byte(value), &b); err != nil {
				return err
			}
			i.Backups[key] = b
		}
		return nil
	})
	if err == nil && (i.System == 0 || i.Version == "" || id == "") {
		err = errors.New("it does not say of which cluster it is")
	}
	i.Archive = i.Version + "-" + id
	return i, err
}

// ReadManifest reads it.
func ReadManifest(text string) (*Manifest, error) {
	m := &Manifest{Files: map[string]File{}}
	version, id := "", ""
	plain := map[string]any{"backup/backup-archive-start": &m.First, "backup/backup-lsn-start": &m.LSNStart, "backup/backup-lsn-stop": &m.LSNStop,
		"backup:db/db-system-id": &m.System, "backup:db/db-version": &version, "backup:option/option-compress-type": &m.Compress,
		"cipher/cipher-pass": &m.Pass}
	err := lines(text, func(section, key, value string) error {
		if into, ok := plain[section+"/"+key]; ok {
			return json.Unmarshal([]byte(value), into)
		}
		switch section {
		case "backup:db":
			if key == "db-id" {
				id = value
			}
		case "target:file":
			var f File
			if err := json.Unmarshal([]byte(value), &f); err != nil {
				return err
			}
			m.Files[key], m.Blocks = f, m.Blocks || f.Blocks != 0
		case "target:path":
			m.Folders = append(m.Folders, key)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(m.Files) == 0:
		return nil, errors.New("it is no manifest: it names no file")
	}
	m.Archive = version + "-" + id
	return m, nil
}

// lines goes through the lines of a file: sections of keys with values in JSON, one of which is the checksum of all others. pgBackRest restores
// from no file whose checksum is wrong.
func lines(text string, each func(section, key, value string) error) error {
	section, summed, promised := "", "", ""
	sum := sha1.New()
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "["); ok && strings.HasSuffix(name, "]") {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		key, value, ok := strings.Cut(line, "={") // names of files may hold the sign
		if value = "{" + value; !ok {
			key, value, ok = strings.Cut(line, "=")
		}
		if line == "" {
			continue
		}
		if !ok {
			return fmt.Errorf("it says %q, which is no line of it", line[:min(80, len(line))])
		}
		if section == "backrest" && key == "backrest-checksum" {
			promised = strings.Trim(value, `"`)
			continue
		}
		// As pgBackRest sums it (INFO_CHECKSUM_… in its info/info.c): {"section":{"key":value,"key":value},"section":{…}}
		switch summed {
		case section:
			io.WriteString(sum, ",") //nolint:errcheck // a hash takes all
		case "":
			io.WriteString(sum, `{"`+section+`":{`) //nolint:errcheck
		default:
			io.WriteString(sum, `},"`+section+`":{`) //nolint:errcheck
		}
		summed = section
		io.WriteString(sum, `"`+key+`":`+value) //nolint:errcheck
		if err := each(section, key, value); err != nil {
			return fmt.Errorf("its line of %s cannot be read: %w", key, err)
		}
	}
	io.WriteString(sum, "}}") //nolint:errcheck
	switch computed := hex.EncodeToString(sum.Sum(nil)); promised {
	case computed:
		return nil
	case "":
		return errors.New("it is cut off: it has no checksum, which is written last")
	default:
		return fmt.Errorf("its checksum is %s, and it promises %s", computed, promised)
	}
}
