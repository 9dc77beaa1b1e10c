package scenarios

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const nights = `include: common.yaml
scenario: nightly
trigger: none
matrix:
  shop: {backups: {db: {store: {kind: dir, path: ./shop}, restore: {kind: postgres}}}}
  crm:
    customer: sales
    backups: {db: {store: {kind: dir, path: ./crm}, restore: {kind: postgres}, throttle: 20MB/s}}
customer: everybody
instances: {db: {kind: docker, image: pg, load: db}}
checks:
  service: [{kind: tcp, to: "db:5432"}]
  excluded: {system: not here, data: not here, business: not here}
`

// Each drill of a file is a scenario of its own: what it says counts more than the file, and the file more than what it includes.
func TestMatrix(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "n.yaml")
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("n.yaml", nights)
	write("common.yaml", "customer: nobody\nservice: databases\n")
	assert.Equal(t, []string{file + "#shop", file + "#crm"}, Parts(file))
	assert.Equal(t, []string{file + "#crm"}, Parts(file+"#crm"))
	shop, err := Load(file + "#shop")
	require.NoError(t, err)
	crm, err := Load(file + "#crm")
	require.NoError(t, err)
	assert.Equal(t, "nightly-shop nightly-crm", shop.Name+" "+crm.Name)
	assert.Equal(t, "everybody sales databases", shop.Customer+" "+crm.Customer+" "+crm.Service)
	assert.Equal(t, "./shop ./crm", shop.Backups["db"].Store.Text("path")+" "+crm.Backups["db"].Store.Text("path"))
	assert.NotEqual(t, shop.Digest, crm.Digest)
	assert.Equal(t, file, shop.File)

	_, err = Load(file)
	require.ErrorContains(t, err, "makes 2 drills of this file (name one: "+file+"#shop)")
	_, err = Load(file + "#crn")
	require.ErrorContains(t, err, `there is no drill "crn" (did you mean crm?)`)
	write("one.yaml", "scenario: one\n")
	one := filepath.Join(dir, "one.yaml")
	assert.Equal(t, []string{one}, Parts(one))
	_, err = Load(one + "#shop")
	require.ErrorContains(t, err, "has no matrix of drills")
	assert.Equal(t, []string{filepath.Join(dir, "none.yaml")}, Parts(filepath.Join(dir, "none.yaml")))
}
