package mariadbbackup

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/accident"
	"lifeboat/internal/needs"
)

// logged is what testdata/make.sh of binlog makes: a backup, and the binary logs behind it.
func logged(t *testing.T) files {
	t.Helper()
	if out, err := restoretest.CLI(t.Context(), nil, "image", "inspect", "--format", "{{.Id}}", image); err != nil {
		needs.Skipf(t, "no %s here (run ci/images/kinds.sh): %s", image, out)
	}
	script, err := os.Open("../mysql/binlog/testdata/make.sh")
	require.NoError(t, err)
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--tmpfs", "/tmp:exec", "--user", "mysql", "--entrypoint", "bash", image, "-s")
	var out bytes.Buffer
	c.Stdin, c.Stdout = script, &out
	require.NoError(t, c.Run())
	all, err := accident.Unpacked(&out)
	require.NoError(t, err)
	return all
}

// behind is a backup with a folder of binary logs beside it.
func behind(of, logs files) restore.Source {
	s := folder(of)
	s.Beside = func(string) (restore.Source, error) {
		l := folder(logs)
		l.Backup = "logs"
		return l, nil
	}
	return s
}

func TestReplaysBinaryLogs(t *testing.T) {
	t.Parallel()
	all := logged(t)
	full, logs := all.Below("full"), all.Below("logs")
	said := map[string]string{}
	for line := range strings.Lines(all["words"]) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[k] = v
	}
	m := boot(t, "logs", loader(t, "password: sesame"))
	for _, c := range []struct{ name, recover, orders, stock, by string }{
		{"to the end", "", "just before,behind it,by statement,5,last of all", "", "the last transaction that was replayed"},
		{"to a time", "recover: {time: " + said["before-the-mistake"] + "}", "just before,behind it", "stock", "the time to which its binary logs were replayed"},
	} {
		l := loader(t, "{password: sesame, binlog: logs, "+c.recover+"}")
		l.logins["db"] = "sesame"
		out, err := load(t, l, behind(full, logs), m)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.orders, ask(t, m, "root", "sesame", "select group_concat(note order by id) from shop.orders where id > 10"), c.name)
		assert.Equal(t, c.stock, ask(t, m, "root", "sesame", "show tables from shop like 'stock'"), c.name)
		assert.Equal(t, "later", ask(t, m, "later", "known", "select substring_index(current_user(), '@', 1)"), c.name)
		assert.Equal(t, c.by, out.ConsistentBy)
		assert.True(t, out.Measured)
		assert.WithinDuration(t, time.Now(), out.ConsistentTo, 10*time.Minute)
		t.Log(out.ConsistentTo, out.Notes)
	}
	for want, s := range map[string]restore.Source{
		"restore logs: binary log binlog.000003 is missing":  behind(full, logs.Less("binlog.000003")),
		"holds no xtrabackup_binlog_info":                    behind(full.Less("xtrabackup_binlog_info"), logs),
		"the backup is behind transaction 0-1-7, and at 600": behind(full.With(files{"xtrabackup_binlog_info": "binlog.000002\t600\t0-1-7\n"}), logs),
		"\"x\" is no place in a binary log":                  behind(full.With(files{"xtrabackup_binlog_info": "binlog.000002\tx\n"}), logs),
	} {
		l := loader(t, "{password: sesame, binlog: logs}")
		l.logins["db"] = "sesame"
		_, err := load(t, l, s, m)
		assert.ErrorContains(t, err, want)
	}
}
