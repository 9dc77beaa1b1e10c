package basebackup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
)

// Load fills the data folder of a machine that does not run, starts its server, and waits until recovery has ended. The files, and
// the WAL that is needed, are judged before the server starts; what was reached, afterwards.
func (l *Loader) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	b := &backup{Loader: l, source: s}
	out, err := b.restore(ctx, m)
	if err != nil {
		return restore.Outcome{Made: out.Made, Told: b.Told}, dump.Classify(s.Backup, err)
	}
	return out, nil
}

func (b *backup) restore(ctx context.Context, m instance.Machine) (restore.Outcome, error) {
	at, err := b.made.of(m.Name())
	if err != nil {
		return restore.Outcome{}, err
	}
	if err := vacate(ctx, m, at.data); err != nil {
		return restore.Outcome{}, err
	}
	uid, gid, err := owner(ctx, m, b.set.OSUser)
	if err != nil {
		return restore.Outcome{}, err
	}
	putCtx, stop := context.WithCancel(ctx)
	defer stop()
	put := fill(putCtx, m, at.data, uid, gid)
	out, err := b.read(ctx, put)
	if err == nil {
		err = b.complete(put)
	}
	if err != nil {
		stop() // nobody needs the rest
	}
	if err := put.End(err); err != nil {
		return out, err
	}
	printed, err := instance.Console(ctx, m)
	if err != nil {
		return out, err
	}
	if err := m.Start(ctx); err != nil {
		return out, fmt.Errorf("start %s on its backup: %w", m.Name(), err)
	}
	r, err := b.recovered(ctx, m, at, len(printed))
	if err != nil {
		return out, err
	}
	out.ConsistentTo, out.ConsistentBy = b.consistentTo(r)
	out.Measured = !out.ConsistentTo.IsZero()
	out.Told = b.Told
	return out, nil
}

// vacate empties the folders of a machine that runs already, and stops it: it is restored in place.
func vacate(ctx context.Context, m instance.Machine, data string) error {
	state, err := m.State(ctx)
	if err != nil || !state.Running {
		return err
	}
	// Without its files a server cannot end in order, and must not: it is told to end at once.
	const empty = `find "$@" -mindepth 1 -delete; kill -QUIT 1`
	_, err = m.Exec(ctx, instance.Command{Args: []string{"sh", "-c", empty, "sh", data, walFolder, spaceFolder}, User: "0"})
	if err != nil && !errors.As(err, new(*instance.UnaskedError)) { // the machine may end before its answer comes
		return err
	}
	return m.Stop(ctx)
}

// needed are folders without which no server starts, and that a copy of files may not hold since they are empty.
var needed = []string{"global", "pg_commit_ts", "pg_dynshmem", "pg_logical", "pg_logical/mappings", "pg_logical/snapshots", "pg_multixact",
	"pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp", "pg_subtrans", "pg_twophase",
	"pg_wal", "pg_wal/archive_status"}

// complete puts what is lifeboat's own: empty folders, the links' map, and the server's settings.
func (b *backup) complete(put *putting) error {
	for _, name := range needed {
		if err := put.folder(name); err != nil {
			return err
		}
	}
	if err := put.own(path.Join(put.data, "pg_tblspc")); err != nil {
		return err
	}
	if err := put.own(strings.Trim(walFolder, "/")); err != nil {
		return err
	}
	conf := b.conf()
	files := []struct{ name, text string }{{confName, conf}, {autoName, b.auto(b.settings(b.libraries(conf)))}}
	if b.replays() {
		files = append(files, struct{ name, text string }{"recovery.signal", ""})
	}
	for _, f := range files {
		if err := b.own(put, path.Join(put.data, f.name), f.text); err != nil {
			return err
		}
	}
	for at, text := range map[string]string{hbaPath: hba, idPath: ""} {
		if err := put.public(at, int64(len(text)), strings.NewReader(text)); err != nil {
			return err
		}
	}
	return b.links(put)
}

// own puts a file of the server's, over one that may have been put before.
func (b *backup) own(put *putting, at, text string) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: at, Size: int64(len(text)), Mode: 0o600, Uid: put.uid, Gid: put.gid}
	if err := put.Header(h); err != nil {
		return err
	}
	if _, err := io.WriteString(put, text); err != nil {
		return &dump.PutError{Err: err}
	}
	return nil
}

// links to the tablespaces. The server makes them itself where a backup_label says that it is restored, of the map.
func (b *backup) links(put *putting) error {
	all := b.ground.spaces
	if len(all) == 0 {
		for _, oid := range keys(b.contents.spaces) {
			all = append(all, pgdata.Tablespace{OID: oid})
		}
	}
	if len(all) == 0 {
		return nil
	}
	b.Note("its tablespaces lie in %s here", spaceFolder)
	if b.ground.label != nil {
		return b.own(put, path.Join(put.data, pgdata.TablespaceName), spaceMap(all))
	}
	for _, s := range all {
		h := &tar.Header{Typeflag: tar.TypeSymlink, Name: path.Join(put.data, "pg_tblspc", s.OID), Linkname: path.Join(spaceFolder, s.OID),
			Mode: 0o777, Uid: put.uid, Gid: put.gid}
		if err := put.Header(h); err != nil {
			return err
		}
	}
	return nil
}
