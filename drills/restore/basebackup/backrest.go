package basebackup

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgbackrest"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/internal/lazy"
)

var (
	infoPlace   = lazy.Regexp(`^(.*/)?backup/([^/]+)/backup\.info(\.copy)?$`)
	archiveName = lazy.Regexp(`^([0-9A-F]{24}(?:\.partial)?)-([0-9a-f]{40})(?:\.(?:gz|lz4|zst|bz2))?$`)
)

// telling is a file that tells of others, decrypted; its copy where it is missing or damaged, as pgBackRest takes it.
func telling[T any](found *index, at, pass string, read func(string) (*T, error)) (*T, error) {
	var wrong error
	for _, name := range []string{at, at + ".copy"} {
		raw, ok := found.texts[name]
		if !ok {
			continue
		}
		if pgbackrest.Sealed(raw) {
			if pass == "" {
				return nil, &restore.LackError{Lack: record.LackCipher, What: fmt.Sprintf("%s is encrypted", name)}
			}
			plain, err := io.ReadAll(pgbackrest.Decrypt(bytes.NewReader(raw), pass))
			if err != nil || !bytes.HasPrefix(plain, []byte("[")) {
				wrong = cmp.Or(wrong, errOtherKey)
				continue
			}
			raw = plain
		}
		t, err := read(string(raw))
		if err == nil {
			return t, nil
		}
		wrong = cmp.Or(wrong, error(damage("%s cannot be used: %v", name, err)))
	}
	return nil, cmp.Or(wrong, error(damage("%s is missing in the repository", at)))
}

var errOtherKey = errors.New("its key is another one")

// ofPgBackRest chooses a backup, and holds the repository against what its manifest lists.
func (b *backup) ofPgBackRest(found *index) (*chosen, error) {
	stanzas, roots := map[string]bool{}, map[string]bool{}
	for at := range found.texts {
		if m := infoPlace().FindStringSubmatch(at); m != nil {
			stanzas[m[2]], roots[m[1]] = true, true
		}
	}
	if len(roots) > 1 {
		return nil, &restore.LackError{Lack: record.LackStanza, What: fmt.Sprintf("its repository holds several: %s", few(keys(roots)))}
	}
	stanza, err := b.one(stanzas, "stanza")
	if err != nil {
		return nil, err
	}
	pass, err := b.set.CipherPass.Reveal()
	if err != nil {
		return nil, err
	}
	root := keys(roots)[0]
	home, wal := path.Join(root, "backup", stanza), path.Join(root, "archive", stanza)
	info, err := telling(found, path.Join(home, "backup.info"), pass, pgbackrest.ReadInfo)
	if errors.Is(err, errOtherKey) {
		return nil, &restore.LackError{Lack: record.LackCipher, What: "its backup.info cannot be decrypted by the key of the scenario"}
	}
	if err != nil {
		return nil, err
	}
	archive, err := telling(found, path.Join(wal, "archive.info"), pass, pgbackrest.ReadInfo)
	if errors.Is(err, errOtherKey) {
		return nil, damage("its archive.info cannot be decrypted by the key of its backup.info")
	}
	if err != nil {
		return nil, err
	}
	if archive.System != info.System {
		return nil, damage("its archive is of another cluster: the system identifier in archive.info is %d, and in backup.info %d", archive.System, info.System)
	}
	complete := map[string]time.Time{}
	for label, i := range info.Backups {
		complete[label] = i.Time()
	}
	label, err := b.newest(complete)
	if err != nil {
		return nil, err
	}
	of := info.Backups[label]
	for _, needs := range append(slices.Clone(of.Needs), of.Prior) {
		if _, ok := info.Backups[needs]; needs != "" && !ok {
			return nil, damage("backup %s stands on %s, which is not in the repository", label, needs)
		}
	}
	if of.Failed {
		b.Note("pages with wrong checksums were found when backup %s was made", label)
	}
	m, err := telling(found, path.Join(home, label, "backup.manifest"), info.Pass, pgbackrest.ReadManifest)
	if errors.Is(err, errOtherKey) {
		return nil, damage("the manifest of backup %s cannot be decrypted by the key in its backup.info", label)
	}
	if err != nil {
		return nil, err
	}
	if m.Blocks {
		return nil, &restore.LackError{Lack: record.LackDelta, What: "some of its files are kept as the blocks that changed (repo-block)"}
	}
	s := &chosen{label: label, first: m.First, folders: inData(m.Folders)}
	s.log = func(at string) (log, bool) {
		if !strings.HasPrefix(at, path.Join(wal, m.Archive)+"/") {
			return log{}, false
		}
		base := path.Base(at)
		if n := archiveName().FindStringSubmatch(base); n != nil {
			return log{n[1], n[2], archive.Pass}, true
		}
		return log{base, "", archive.Pass}, logName(base)
	}
	return s, s.listed(found, home, m)
}

// inData are the folders in the data folder, of the names that a manifest has.
func inData(names []string) (all []string) {
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, "pg_data/"); ok {
			all = append(all, rest)
		} else if strings.HasPrefix(name, "pg_tblspc/") {
			all = append(all, name)
		}
	}
	return all
}

// listed finds where the files of a manifest lie.
func (s *chosen) listed(found *index, home string, m *pgbackrest.Manifest) error {
	extension := ""
	if m.Compress != "" && m.Compress != "none" {
		extension = "." + m.Compress
	}
	s.pieces, s.manifest = map[string][]piece{}, &pgdata.Manifest{Files: map[string]pgdata.ManifestFile{}}
	var missing []string
	for _, listed := range keys(m.Files) {
		f := m.Files[listed]
		name := strings.TrimPrefix(listed, "pg_data/")
		want := pgdata.ManifestFile{Size: f.Size, Sum: f.Sum}
		if f.Sum != "" {
			want.Algorithm = "SHA1"
		}
		s.manifest.Files[name] = want
		if f.Size == 0 {
			s.empty = append(s.empty, name)
			continue
		}
		at := path.Join(home, f.Place(s.label, listed, extension))
		p := piece{name: name, size: f.Size, length: -1, pass: m.Pass, packed: extension != ""}
		if f.Bundle != 0 {
			p.at, p.length = f.Offset, f.Repo
		}
		if _, ok := found.sizes[at]; !ok && !slices.Contains(missing, at) {
			missing = append(missing, at)
		}
		s.pieces[at] = append(s.pieces[at], p)
	}
	if len(missing) > 0 {
		return damage("files of backup %s are missing in the repository: %s", s.label, few(missing))
	}
	for _, all := range s.pieces {
		slices.SortFunc(all, func(a, b piece) int { return cmp.Compare(a.at, b.at) })
	}
	start, err := pgdata.ParseLSN(m.LSNStart)
	stop, e := pgdata.ParseLSN(m.LSNStop)
	if err == nil && e == nil && m.First != "" {
		seg, _ := pgdata.ParseSegment(m.First, 1<<24) // of the timeline alone
		s.manifest.WAL = []pgdata.Range{{Timeline: seg.Timeline, Start: start, End: stop}}
	}
	return nil
}
