package basebackup

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
)

// ground is what a base backup was found to stand on, once its files were judged.
type ground struct {
	control *pgdata.Control
	label   *pgdata.Label // nil: a copy of a server that was shut down, or a snapshot
	version string        // major
	spaces  []pgdata.Tablespace
	clean   bool // its server was shut down: no WAL has to be replayed
}

// judge tells whether the files of a base backup are all that it needs and whole. The order is that in which a reader
// understands most: what the manifest says first.
func (l *Loader) judge(c *contents) (*ground, error) {
	if len(c.files) == 0 {
		return nil, damage("it holds no files of a data folder, and no tar that pg_basebackup writes")
	}
	if err := c.held(); err != nil {
		return nil, err
	}
	g := &ground{version: strings.TrimSpace(c.texts[pgdata.VersionName])}
	if g.version == "" || strings.Trim(g.version, "0123456789.") != "" {
		return nil, damage("its PG_VERSION is missing or says no version: it is no data folder, or only a part of one")
	}
	var err error
	if g.control, err = c.control(); err != nil {
		return nil, err
	}
	if text, ok := c.texts[pgdata.LabelName]; ok {
		if g.label, err = pgdata.ReadLabel(text); err != nil {
			return nil, damage("its backup_label cannot be used: %v", err)
		}
		size := g.control.Segment
		at := pgdata.Segment{Timeline: g.label.Timeline, Number: uint64(g.label.Start) / uint64(size)}.Name(size)
		if file := g.label.File; len(file) == len(at) && file[8:] != at[8:] {
			return nil, damage("its backup_label contradicts itself: %s does not lie in segment %s", g.label.Start, file)
		}
	}
	if err := l.unlabelled(g); err != nil {
		return nil, err
	}
	if g.label != nil && g.label.Incremental != 0 {
		return nil, &restore.LackError{Lack: record.LackDelta, What: fmt.Sprintf(
			"it is incremental, and holds only what changed since %s", g.label.Incremental)}
	}
	if g.spaces, err = pgdata.ReadTablespaces(c.texts[pgdata.TablespaceName]); err != nil {
		return nil, damage("its tablespace_map cannot be used: %v", err)
	}
	for _, s := range g.spaces {
		if !c.spaces[s.OID] {
			return nil, damage("tablespace %s (%s) is missing: neither %s.tar nor its folder is there", s.OID, s.Location, s.OID)
		}
	}
	for _, folder := range []string{"base/1/", "pg_xact/", "pg_multixact/"} {
		if !slices.ContainsFunc(keys(c.files), func(name string) bool { return strings.HasPrefix(name, folder) }) {
			return nil, damage("%s is missing", strings.TrimSuffix(folder, "/"))
		}
	}
	return g, c.blocks(g)
}

// held holds the files against the manifest.
func (c *contents) held() error {
	if c.wrong != nil {
		return damage("its backup_manifest cannot be used: %v", c.wrong)
	}
	if c.manifest == nil {
		return nil
	}
	var missing, differ, extra []string
	for name, want := range c.manifest.Files {
		got, ok := c.files[name]
		switch {
		case pgdata.Unlisted(name):
		case !ok:
			missing = append(missing, name)
		case got.size != want.Size:
			differ = append(differ, fmt.Sprintf("%s (%d bytes instead of %d)", name, got.size, want.Size))
		case want.Algorithm != "" && got.sums[want.Algorithm] != "" && got.sums[want.Algorithm] != want.Sum:
			differ = append(differ, fmt.Sprintf("%s (its checksum)", name))
		}
	}
	for name := range c.files {
		if _, ok := c.manifest.Files[name]; !ok && !pgdata.Unlisted(name) {
			extra = append(extra, name)
		}
	}
	if oids := c.absent(missing); len(oids) > 0 {
		return damage("tablespace %s is missing: its manifest lists files in it, and neither %s.tar nor its folder is there", few(oids), oids[0])
	}
	if slices.Contains(missing, pgdata.LabelName) {
		return damage("its backup_label is missing, which its manifest lists: without it a server begins at the wrong place in the WAL")
	}
	switch {
	case len(missing) > 0:
		return damage("files are missing that its manifest lists: %s", few(missing))
	case len(differ) > 0:
		return damage("files are not what its manifest says: %s", few(differ))
	case len(extra) > 0:
		return damage("files are there that its manifest does not list: %s", few(extra))
	}
	return nil
}

// absent are the tablespaces of which all files are missing.
func (c *contents) absent(missing []string) []string {
	found := map[string]bool{}
	for _, name := range missing {
		if oid, ok := space(name); ok && !c.spaces[oid] {
			found[oid] = true
		}
	}
	return keys(found)
}

func (c *contents) control() (*pgdata.Control, error) {
	text, ok := c.texts[pgdata.ControlPath]
	if !ok {
		return nil, damage("%s is missing, without which no server starts", pgdata.ControlPath)
	}
	control, err := pgdata.ReadControl([]byte(text))
	var old *pgdata.OldError
	switch {
	case errors.Is(err, pgdata.ErrOtherMachine):
		return nil, &restore.MisfitError{What: restore.MisfitMachine, Has: "a machine with another order of bytes", Wants: "this one"}
	case errors.As(err, &old):
		return nil, &restore.MisfitError{What: restore.MisfitData, Has: "a PostgreSQL before 12", Wants: "PostgreSQL 12 or later"}
	case err != nil:
		return nil, damage("%s cannot be used: %v", pgdata.ControlPath, err)
	}
	return control, nil
}

// unlabelled tells what a backup without a backup_label is.
func (l *Loader) unlabelled(g *ground) error {
	switch state := g.control.State; {
	case g.label != nil:
		return nil
	case state == pgdata.ShutDown || state == pgdata.ShutDownInRecovery:
		g.clean = true
		return nil
	case l.set.Snapshot:
		return nil
	}
	return damage("it holds no backup_label, and its server ran while it was copied: the backup was not ended, or its label was lost " +
		"(if it is a snapshot of all of its file systems at one moment, say restore.snapshot: true)")
}

// blocks judges the pages that were read. A page that was written while it was copied may be torn, and the WAL mends it: so is one
// that was last changed between the beginning and the end of the backup. The map of free space is no data: a server makes it anew.
func (c *contents) blocks(g *ground) error {
	if !g.control.Checksums || g.control.BlockSize != pgdata.PageSize {
		return nil
	}
	var begin, end pgdata.LSN
	if g.label != nil {
		begin, end = g.label.Start, c.end(g.label)
	}
	running := g.label != nil || !g.clean
	var bad []string
	for _, p := range c.pages.damaged {
		torn := running && p.at >= begin && (end == 0 || p.at <= end)
		if !torn && p.fork != "fsm" {
			bad = append(bad, fmt.Sprintf("block %d of %s", p.block, p.file))
		}
	}
	switch {
	case len(bad) > 0 && c.pages.more:
		return damage("the checksums of more than %d pages are wrong: %s", mostDamaged, few(bad))
	case len(bad) > 0:
		return damage("the checksum of a page is wrong: %s", few(bad))
	case c.pages.more:
		return damage("the checksums of more than %d pages are wrong", mostDamaged)
	case c.pages.unsaid > 0:
		return damage("a page has no checksum, though its cluster has them: block %d of %s", c.pages.first.block, c.pages.first.file)
	}
	return nil
}

// end is the place in the WAL up to which a backup needs it; 0: it does not say so itself.
func (c *contents) end(label *pgdata.Label) (end pgdata.LSN) {
	if c.manifest != nil {
		for _, r := range c.manifest.WAL {
			end = max(end, r.End)
		}
	}
	for _, b := range c.archived.backups {
		if end == 0 && b.Start == label.Start {
			end = b.Stop
		}
	}
	return end
}
