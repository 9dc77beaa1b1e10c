package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openers open without asking what lies there: a pipe hangs them, a device never ends.
var openers = regexp.MustCompile(`\b(os\.(Open|OpenFile|ReadFile)|root\.(Open|OpenFile|ReadFile)|fs\.ReadFile)\(`)

// ownFiles are those that open what lifeboat or the kernel wrote, and nothing that a user names.
var ownFiles = []string{
	"cmd/lifeboat/cmd_drill.go", "cmd/lifeboat/cmd_new.go", "cmd/lifeboat/cmd_reap.go", "cmd/lifeboat/cmd_report.go", "cmd/lifeboat/night.go",
	"drills/decide.go", "drills/inbox.go", "drills/marked.go", "drills/instance/", "drills/ledger/", "drills/night/", "drills/record/", "drills/seal.go",
	"drills/secrets/event.go", "drills/secrets/secretstest/", "drills/history.go", "drills/refer.go",
	"drills/evidence/addendum.go", "drills/evidence/archive.go", "drills/evidence/export.go", "drills/evidence/log.go", "drills/evidence/manifest.go",
	"drills/evidence/stamp.go", "drills/evidence/statement.go", "drills/evidence/write.go", "drills/unlogged.go", "internal/signing/signing.go",
	"internal/timestamp/timestamptest/", "internal/translog/",
	"drills/unproved.go", "drills/store/storetest/", "internal/pressure/", "internal/sandbox/", "internal/tree/unpack_linux.go", "verifier/business/pulse.go",
}

// Every file of a user is opened by internal/userfile, which never waits.
func TestUsersFilesAreOpenedInOnePlace(t *testing.T) {
	const top = "../.."
	for _, room := range []string{"cmd/lifeboat", "drills", "internal", "reports", "scenarios", "verifier"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(top, room), func(path string, _ os.DirEntry, err error) error {
			name, _ := filepath.Rel(top, path)
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
				strings.HasPrefix(name, "internal/userfile/") ||
				slices.ContainsFunc(ownFiles, func(own string) bool { return strings.HasPrefix(name, own) }) {
				return err
			}
			text, err := os.ReadFile(path)
			for _, found := range openers.FindAllString(string(text), -1) {
				t.Errorf("%s calls %s…): a user's file is opened by internal/userfile; list the file here when it is none", name, found)
			}
			return err
		}))
	}
	assert.True(t, openers.MatchString(`raw, err := root.ReadFile(list)`))
}
