package mariadbbackup

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// chained is a chain of folders, each of which may be left out.
func chained(all files, names ...string) files {
	out := files{}
	for _, name := range names {
		out = out.Under(name, all.Below(name))
	}
	return out
}

// What shows without a server is named: which part, which file, and what is wrong with it.
func TestWhatIsBrokenIsNamed(t *testing.T) {
	t.Parallel()
	all := sample(t)
	l := loader(t, "{}")
	full, chain := all.Below("full"), chained(all, "full", "inc1", "inc2")
	const points = "xtrabackup_checkpoints"
	stream := all["streams/full.mbs"]
	for _, c := range []struct {
		name   string
		source restore.Source
		want   string
	}{
		{"an increment is missing", folder(chained(all, "full", "inc2")), "an increment is missing between full and inc2"},
		{"the full one is missing", folder(chained(all, "inc1", "inc2")), "the full backup is missing: inc1 goes on from place"},
		{"an increment of another chain", folder(chained(all, "full", "inc1", "inc2", "other")), "an increment is missing between inc2 and other"},
		{"one that overlaps", folder(chain.With(files{"inc2/" + points: replace(replace(all["inc2/"+points], "from_lsn = ", "from_lsn = 1"),
			"to_lsn = ", "to_lsn = 9"),
			"inc2/xtrabackup_info": ""})), "an increment is missing between inc1 and inc2"},
		{"two full ones", folder(chained(all, "full", "prepared", "inc1")), "it holds two full backups, full and prepared"},
		{"no checkpoints", folder(full.With(files{points: ""})), "xtrabackup_checkpoints is missing"},
		{"checkpoints cut", folder(full.With(files{points: full[points][:30]})), "is cut off or damaged: it does not say"},
		{"checkpoints of another night", folder(chain.With(files{"inc1/" + points: all["inc2/"+points]})), "of inc1 are of two backups"},
		{"no log", folder(full.With(files{"ib_logfile0": ""})), "ib_logfile0 of the full backup is missing"},
		{"a log cut", folder(full.With(files{"ib_logfile0": full["ib_logfile0"][:len(full["ib_logfile0"])-20]})), "ib_logfile0 of the full backup is cut off"},
		{"no system tablespace", folder(full.With(files{"ibdata1": ""})), "ibdata1 of the full backup is missing"},
		{"no settings", folder(full.With(files{"backup-my.cnf": ""})), "backup-my.cnf of the full backup is missing"},
		{"a page flipped", folder(chain.With(files{"full/shop/orders.ibd": flip(all["full/shop/orders.ibd"], 3*16384+700)})),
			"the checksum of a page is wrong: block 3 of full/shop/orders.ibd"},
		{"a page of the system flipped", folder(full.With(files{"ibdata1": flip(full["ibdata1"], 7*16384+100)})),
			"the checksum of a page is wrong: block 7 of ibdata1"},
		{"a page in the place of another", folder(full.With(files{"shop/orders.ibd": full["shop/orders.ibd"][:3*16384] +
			full["shop/orders.ibd"][2*16384:3*16384] + full["shop/orders.ibd"][4*16384:]})), "block 3 of shop/orders.ibd"},
		{"a tablespace cut", folder(full.With(files{"shop/orders.ibd": full["shop/orders.ibd"][:4*16384]})), "shop/orders.ibd is cut off: it has 65536 bytes"},
		{"a tablespace cut inside a page", folder(full.With(files{"mysql/innodb_table_stats.ibd": full["mysql/innodb_table_stats.ibd"][:4*16384-7]})),
			"mysql/innodb_table_stats.ibd is cut off"},
		{"a tablespace of no bytes", folder(chain.With(files{"full/shop/orders.ibd": "x"})), "full/shop/orders.ibd has 1 bytes, and is cut off"},
		{"no description of changed pages", folder(chain.With(files{"inc1/ibdata1.meta": ""})), "ibdata1.meta of inc1 is missing"},
		{"changed pages cut", folder(chain.With(files{"inc1/ibdata1.delta": all["inc1/ibdata1.delta"][:20000]})), "ibdata1.delta of inc1 is cut off"},
		{"changed pages cut between two pages", folder(chain.With(files{"inc1/shop/orders.ibd.delta": all["inc1/shop/orders.ibd.delta"][:2*16384]})),
			"shop/orders.ibd.delta of inc1 is cut off"},
		{"a changed page is damaged", folder(chain.With(files{"inc1/shop/orders.ibd.delta": flip(all["inc1/shop/orders.ibd.delta"], 2*16384+200)})),
			"the checksum of a page is wrong: block "},
		{"changed pages are missing", folder(chain.Less("inc1/shop/orders.ibd.delta")), "shop/orders.ibd.delta of inc1 is missing"},
		{"a log of a later backup", folder(full.With(files{"ib_logfile0": all["inc1/ib_logfile0"]})), "ib_logfile0 of the full backup is of a later backup"},
		{"a tablespace of a later backup", folder(full.With(files{"shop/orders.ibd": all["some/shop/orders.ibd"]})), "shop/orders.ibd is of a later backup"},
		{"changed pages of the increment before", folder(chain.With(files{"inc2/shop/orders.ibd.delta": all["inc1/shop/orders.ibd.delta"]})),
			"inc2/shop/orders.ibd.delta is of another increment"},
		{"changed pages of a later increment", folder(chain.With(files{"inc1/shop/orders.ibd.delta": all["inc2/shop/orders.ibd.delta"]})),
			"inc1/shop/orders.ibd.delta is of a later backup"},
		{"changed pages of another table", folder(chain.With(files{"inc2/shop/orders.ibd.delta": all["inc2/shop/beats.ibd.delta"]})),
			"inc2/shop/orders.ibd.delta holds changed pages of another table"},
		{"a stream cut", oneFile(stream[:len(stream)-len(stream)/3]), "the stream ends too early"},
		{"a stream cut between pieces", oneFile(stream[:bytes.LastIndex([]byte(stream[:len(stream)-100]), []byte("XBSTCK01"))]), "the stream ends too early"},
		{"a stream cut between files", oneFile(stream[:bytes.Index([]byte(stream), []byte("xtrabackup_info"))-14]),
			"the stream ends too early: xtrabackup_info is missing"},
		{"a stream with a bit flipped", oneFile(flip(stream, len(stream)/2)), "the stream is damaged: at byte"},
		{"a packed stream cut", folder(all.Below("streams").With(files{"inc.mbs.gz": all["streams/inc.mbs.gz"][:4000]})), "inc.mbs.gz ends too early"},
		{"a tar cut", oneFile(full.Tarred()[:200<<10]), "its tar ends too early"},
		{"nothing of a server", folder(files{"notes.txt": "x"}), "it holds no backup of mariadb-backup"},
		{"SQL", oneFile("select 1;\n"), "it is no backup of mariadb-backup"},
	} {
		_, err := l.Read(t.Context(), c.source)
		var bad *restore.BackupError
		if assert.ErrorAs(t, err, &bad, c.name) {
			assert.Contains(t, bad.Reason, c.want, c.name)
		}
	}
}

// What is no word on the backup is none: what the scenario would have to give, and other systems' backups.
func TestWhatIsNotRestored(t *testing.T) {
	t.Parallel()
	all := sample(t)
	l := loader(t, "{}")
	full := all.Below("full")
	for name, c := range map[string]struct {
		source restore.Source
		want   string
	}{
		"some databases": {folder(all.Below("some")), "holds only some of the databases"},
		"compressed":     {folder(full.With(files{"shop/orders.ibd.qp": "qpress10"})), "are compressed one by one"},
		"MySQL": {folder(full.With(files{"xtrabackup_info": strings.ReplaceAll(full["xtrabackup_info"], "MariaDB", "Ubuntu")})),
			"its data folder is that of MySQL"},
		"encrypted": {oneFile("Salted__" + full.Tarred()[:9000]), "it is encrypted by openssl"},
		"a dump":    {oneFile("-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n-- Host: localhost    Database: shop\n"), "it is a dump of MySQL or MariaDB"},
	} {
		_, err := l.Read(t.Context(), c.source)
		assert.ErrorContains(t, err, c.want, name)
		assert.False(t, errors.As(err, new(*restore.BackupError)), "%s: %v", name, err)
	}
}

// Good ones in every form are read to their end, and nothing is wrong with them.
func TestGoodOnesAreRead(t *testing.T) {
	t.Parallel()
	all := sample(t)
	l := loader(t, "{}")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(all["streams/full.mbs"]))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, s := range map[string]restore.Source{
		"a chain": folder(chained(all, "full", "inc1", "inc2")), "streams": folder(all.Below("streams")), "prepared": folder(all.Below("prepared")),
		"a stream that was packed": oneFile(packed.String()), "a tar of a chain": oneFile(chained(all, "full", "inc1").Tarred()),
		"increments below the full one": folder(all.Below("full").Under("increments/1", all.Below("inc1"))),
	} {
		out, err := l.Read(t.Context(), s)
		require.NoError(t, err, name)
		assert.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`, out.Made, name)
		t.Log(name, out.Notes)
	}
}

// A server comes up although tables are missing, or are not its own: they are named, and words of its tools that are known are the backup's.
func TestWhatAServerMakesOfIt(t *testing.T) {
	t.Parallel()
	all := sample(t)
	full := all.Below("full")
	l := loader(t, "password: sesame")
	m := boot(t, "broken", l)
	for _, c := range []struct {
		name    string
		of      files
		want    string
		harness bool
	}{
		{"a tablespace is missing", full.With(files{"shop/orders.ibd": ""}), "the tablespace of a table is missing: shop/orders.ibd", false},
		{"a definition is missing", full.With(files{"shop/orders.frm": ""}), "the definition of a table is missing: shop/orders.frm", false},
		{"a definition of another table", full.With(files{"shop/orders.frm": full["shop/other.frm"]}),
			"the definition of table shop.orders is another table's: its column name is not in the tablespace", false},
		{"a tablespace of another table", full.With(files{"shop/orders.ibd": full["shop/other.ibd"]}), "orders", false},
		{"data of another engine are missing", full.With(files{"shop/items.MAD": ""}), "table shop.items cannot be opened", false},
		{"the end of a log is damaged", full.With(files{"ib_logfile0": flip(full["ib_logfile0"], len(full["ib_logfile0"])-40)}),
			"the log of the full backup is damaged: it can be read up to place|Missing FILE_CHECKPOINT", false}, // of a short log its only checkpoint
		{"another version", full.With(files{"xtrabackup_info": replace(full["xtrabackup_info"], "server_version = 10.11", "server_version = 10.6")}),
			"its data folder is that of MariaDB 10.6, and the instance's image has MariaDB 10.11", true},
		{"a good one", full, "", false},
	} {
		_, err := load(t, l, folder(c.of), m)
		if c.want == "" {
			require.NoError(t, err, c.name)
			continue
		}
		require.Error(t, err, c.name)
		assert.Regexp(t, c.want, err.Error(), c.name)
		assert.NotEqual(t, c.harness, errors.As(err, new(*restore.BackupError)), "%s: %v", c.name, err)
		t.Log(c.name, err)
	}
}

// What MariaDB 10.11 printed of backups of the shelf whose files are missing or cut is the backup's.
func TestWordsOfDamage(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"File ./ib_logfile0 was not found / Plugin initialization aborted with error Generic error",
		"[Note] InnoDB: Starting shutdown... / FATAL ERROR: 2026-11-29 13:09:59 Aria log file 1 does not exists.",
		"mariadb-backup: Got error 'Can't find file' when trying to use aria control file './aria_log_control'",
		"The Auto-extending data file './ibdata1' is of a different size 352 pages than specified by innodb_data_file_path",
	} {
		assert.ErrorAs(t, blame(said), new(*dump.Damage), said)
	}
	assert.NoError(t, blame("mariadb-backup: Got error 'Could not get an exclusive lock; file is probably in use by another process' "+
		"when trying to use aria control file './aria_log_control'"))
}
