package reports

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
