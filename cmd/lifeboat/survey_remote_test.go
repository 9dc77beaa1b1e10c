package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills"
	"lifeboat/drills/store"
	"lifeboat/drills/store/s3/s3test"
	"lifeboat/scenarios"
)

const sqlDump = "--\n-- PostgreSQL database dump\n--\n\n-- Started on 2026-01-31 02:00:00 UTC\n\nSET statement_timeout = 0;\n"

// What lies in a bucket becomes entries that find it there again, each file in one; no secret is written into the file.
func TestSurveyOfABucket(t *testing.T) {
	t.Parallel()
	server, err := s3test.Start(s3test.Program(t))
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	require.NoError(t, server.Admin.MakeBucket(t.Context(), "backups", minio.MakeBucketOptions{Region: s3test.Region}))
	for key, content := range map[string]string{
		"prod/db/app-20261127.sql": sqlDump, "prod/db/app-20261128.sql": sqlDump, "prod/db/app-full-20261128.sql": sqlDump,
		"prod/db/SHA256SUMS": "", "prod/crm/deep/er/1.dump": "PGDMP\x01\x0e\x00", "prod/till/1.tar": string(savedImage(t, map[string]any{"8080/tcp": nil})),
		"prod/web/page.html": "<!DOCTYPE html><html></html>", "prod/folder/shop.dir/toc.dat": "PGDMP", "prod/folder/shop.dir/1.dat.gz": "x",
		"prod/db/app-20261129.sql.part": "half", "elsewhere/1.sql": sqlDump,
	} {
		server.Put(t, "backups", key, []byte(content), time.Time{})
	}
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte(s3test.Secret), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "access"), []byte(s3test.Access), 0o600))
	a, file := &app{logs: &redirect{to: io.Discard}}, filepath.Join(dir, "all.yaml")
	with := func(keys string) string {
		return "{endpoint: " + server.URL + ", region: " + s3test.Region + keys + "}"
	}
	keys := with(", access_key: {file: access}, secret_key: {file: secret}")

	err = a.writeCatalogue(t.Context(), file, "s3://backups/prod", with(", access_key: "+s3test.Access+", secret_key: "+s3test.Secret), "pg:17")
	require.ErrorIs(t, err, errPlain)
	require.Error(t, a.writeCatalogue(t.Context(), file, "s3://backups/prod", with(""), "pg:17"), "nobody may read it without keys")
	require.ErrorContains(t, a.writeCatalogue(t.Context(), file, "s3://backups/nothing", keys, "pg:17"), "found: no file")
	require.NoFileExists(t, file)

	require.NoError(t, a.writeCatalogue(t.Context(), file, "s3://backups/prod/", keys, "pg:17"))
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(raw), s3test.Secret)
	assert.Contains(t, string(raw), `"shop.dir" in "s3://backups/prod/folder": it is a folder of pg_dump, which no store but dir gives as one backup: left out`)
	assert.Contains(t, string(raw), `"page.html" in "s3://backups/prod/web": it is an HTML page: left out`)
	assert.Contains(t, string(raw), "ready: {tcp: 8080, within: 2m}")
	assert.Equal(t, map[string][]string{"er": {"1.dump"}, "db-app": {"app-20261127.sql", "app-20261128.sql", "app-20261129.sql.part"},
		"db-app-full": {"app-full-20261128.sql"}, "till": {"1.tar"}}, pointsOf(t, a.kit(), file))
}

// A list of digests on a web server is a place, too.
func TestSurveyOfAList(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "db"), 0o700))
	for name, text := range map[string]string{"shop-1.sql": sqlDump, "shop-2.sql": sqlDump, "db/crm.sql": sqlDump} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	const sum = "0000000000000000000000000000000000000000000000000000000000000000  "
	require.NoError(t, os.WriteFile(filepath.Join(root, "SHA256SUMS"), []byte(sum+"shop-1.sql\n"+sum+"shop-2.sql\n"+sum+"db/crm.sql\n"), 0o600))
	server := httptest.NewServer(http.StripPrefix("/nightly/", http.FileServer(http.Dir(root))))
	t.Cleanup(server.Close)
	a, file := &app{logs: &redirect{to: io.Discard}}, filepath.Join(t.TempDir(), "all.yaml")
	require.NoError(t, a.writeCatalogue(t.Context(), file, server.URL+"/nightly/SHA256SUMS", "", "pg:17"))
	assert.Equal(t, map[string][]string{"nightly": {"shop-1.sql", "shop-2.sql"}, "db": {"db/crm.sql"}}, pointsOf(t, a.kit(), file))
	require.Error(t, a.writeCatalogue(t.Context(), file+"2", server.URL+"/nightly/SHA256SUMS?sig=abcdef", "", "pg:17"), "a signature would be written down")
}

// pointsOf are the restore points of each entry of a catalogue, as a night lists them.
func pointsOf(t *testing.T, kit drills.Kit, file string) map[string][]string {
	c, problems := scenarios.ReadCatalogue(file)
	require.Empty(t, problems)
	all := map[string][]string{}
	for i, listed := range c.Backups {
		s, problems := c.Read(i)
		require.Empty(t, problems, listed.Name)
		require.Empty(t, drills.Check(kit, s), listed.Name)
		for _, b := range s.Backups {
			from, problems := kit.Stores[b.Store.Kind](store.Site{Folder: s.Dir}, b.Store)
			require.Empty(t, problems)
			points, err := from.List(context.Background())
			require.NoError(t, err)
			for _, p := range points {
				all[listed.Name] = append(all[listed.Name], p.ID)
			}
			slices.Sort(all[listed.Name]) // their times are alike
		}
	}
	return all
}
