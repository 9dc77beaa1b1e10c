package reports

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// Beside a restore point stands which algorithm promised, who did, and who verified it; a weak one is called weak.
func TestPromisedDigestInWords(t *testing.T) {
	md5 := record.Digest{Algorithm: "md5", Value: "0cc175b9c0f1b6a831c399e269772661"}
	for _, c := range []struct {
		by       record.Promiser
		verifier record.Verifier
		en, zh   string
	}{
		{record.PromisedByList, record.VerifiedByLifeboat, "✓ the same: verified md5 (weak) · promised by MD5SUMS · verified by lifeboat while reading",
			"✓ 一致，已核对 md5（弱算法） · 来自 MD5SUMS · lifeboat 读取时核对"},
		{record.PromisedBySideFile, record.VerifiedByNobody, "not verified md5 (weak) · promised by MD5SUMS · verified by nobody",
			"未核对 md5（弱算法） · 来自 MD5SUMS · 未经核对"},
		{record.PromisedByScenario, record.VerifiedByLifeboat, "· promised by the scenario ·", "· 来自场景文件 ·"},
		{"", record.VerifiedByLifeboat, "md5 (weak) · verified by", "md5（弱算法） · lifeboat"},
	} {
		for l, want := range map[Language]string{"en": c.en, "zh": c.zh} {
			sm := kernelDrill()
			d := md5
			d.PromisedBy, d.VerifiedBy, d.File = c.by, c.verifier, "MD5SUMS"
			p := &sm.record.RestorePoints[0]
			if p.Promise = &d; c.verifier == record.VerifiedByNobody {
				p.Digest = ""
			}
			var b bytes.Buffer
			require.NoError(t, Markdown(&b, sm.record, record.Verdict{}, Options{Language: l}))
			assert.Contains(t, b.String(), want)
		}
	}
}

// What kept data hid stands beside the boot that did not see it, and beside no other of that name.
func TestHiddenBesideItsBoot(t *testing.T) {
	sm := passed()
	for _, folder := range []string{"/srv/app", "/srv/lib"} {
		sm.record.Observations = append(sm.record.Observations, record.Observation{ID: "boot.hidden", Args: map[string]string{"instance": "db",
			"generation": "2", "folder": folder, "files": folder + "/bin/app", "more": ""}})
	}
	var b strings.Builder
	require.NoError(t, Markdown(&b, sm.record, objective.Judge(sm.record), Options{}))
	const beside = "its image's own files in /srv/app, /srv/lib not seen"
	assert.Equal(t, 1, strings.Count(b.String(), beside))
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, beside) {
			assert.Contains(t, line, "3 min 45.0 s", "the second boot")
		}
	}
	assert.Contains(t, b.String(), "Missing or different in the kept one: /srv/lib/bin/app.")
}
