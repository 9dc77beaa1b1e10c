package drills

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// What is wrong with a backup that is read beside another one, for its roles, is no word on that one.
func TestFaultOfABackupBeside(t *testing.T) {
	yaml := strings.NewReplacer("backups:\n", "backups:\n  globals: {store: {kind: fake}, restore: {kind: fake}}\n",
		"flow:", "  later: {kind: fake, image: img, load: globals, needs: [db], ready: {exec: [up]}}\nflow:").Replace(simple)
	for want, err := range map[string]error{
		"backup.bad":  &restore.BackupError{Backup: "globals", Reason: "cut off"},
		"backup.lack": &restore.LackError{Backup: "globals", Lack: record.LackRoles, What: "it holds no roles"},
	} {
		w := newWorld(t)
		w.load = func(int) error { return err }
		res := w.run(yaml)
		require.Contains(t, reasons(res.Verdict), want)
		for _, r := range res.Verdict.Reasons {
			if r.ID == want {
				assert.Equal(t, "globals", r.Args["backup"])
			}
		}
	}
}
