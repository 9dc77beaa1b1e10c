package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/mysql"
	"lifeboat/drills/store"
	"lifeboat/drills/store/dir"
	"lifeboat/scenarios"
)

// loaded are the broken dumps that only a server finds broken, or lacks something for.
var loaded = []string{"key-twice", "value-lost", "too-long", "half-a-character", "collation"}

// What is broken in a dump's bytes is found without a server, and nothing else is.
func TestMySQLRead(t *testing.T) {
	t.Parallel()
	for _, i := range mysqlDumps() {
		t.Run(i.name, func(t *testing.T) {
			folder := t.TempDir()
			require.NoError(t, i.make(t.Context(), nil, folder))
			name, err := backupIn(folder)
			require.NoError(t, err)
			at, err := scenarios.ParseSettings("dir", "{path: "+filepath.Clean(folder)+"}")
			require.NoError(t, err)
			files, problems := dir.New(store.Site{}, at)
			require.Empty(t, problems)
			points, err := files.List(t.Context())
			require.NoError(t, err)
			require.Len(t, points, 1, name)
			loader, problems := mysql.New(scenarios.Settings{})
			require.Empty(t, problems)
			_, err = loader.Read(t.Context(), restore.Source{Backup: i.name, Point: points[0],
				Open: func(ctx context.Context) (store.Stream, error) { return files.Fetch(ctx, points[0]) }})
			byServer := false
			for _, l := range loaded {
				byServer = byServer || strings.HasSuffix(i.name, l)
			}
			var kind *restore.KindError
			bad := errors.As(err, new(*restore.BackupError)) || errors.As(err, &kind) && kind.Bad()
			switch {
			case i.label == nil, byServer, i.label.at == objective.RungContent:
				assert.NoError(t, err)
			case i.label.doubt:
				assert.True(t, err != nil && !bad, "%v", err)
			default:
				assert.True(t, bad, "%v", err)
			}
			_, err = os.Stat("/tmp/lifeboat")
			assert.ErrorIs(t, err, os.ErrNotExist)
		})
	}
}
