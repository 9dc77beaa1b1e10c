package record

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseDigest(t *testing.T) {
	for text, ok := range map[string]bool{
		"sha256:" + strings.Repeat("aB", 32): true, "md5:" + strings.Repeat("0", 32): true, "sha512:" + strings.Repeat("0", 128): true,
		"": false, "sha256:": false, "sha256": false, ":00": false, "crc32:00000000": false,
		"md5:" + strings.Repeat("0", 40): false, "sha256:" + strings.Repeat("g", 64): false,
	} {
		d, got := ParseDigest(text)
		assert.Equal(t, ok, got, text)
		if ok {
			assert.Equal(t, strings.ToLower(text), d.String())
			assert.Equal(t, strings.HasPrefix(text, "md5"), d.Weak())
		}
	}
}

// Journals from before a digest said who promised it and who verified it are read: only lifeboat verified any.
func TestPromiseOfAnOldJournal(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		want  *Digest
	}{
		"verified": {`"digest":"sha256:aa","expected_digest":"sha256:aa"`,
			&Digest{Algorithm: SHA256, Value: "aa", VerifiedBy: VerifiedByLifeboat}},
		"another":      {`"digest":"sha256:bb","expected_digest":"sha256:aa"`, &Digest{Algorithm: SHA256, Value: "aa"}},
		"not read":     {`"digest":"","expected_digest":"sha256:aa"`, &Digest{Algorithm: SHA256, Value: "aa"}},
		"not promised": {`"digest":"sha256:bb","expected_digest":""`, nil},
		"of today": {`"digest":"sha256:bb","promise":{"algorithm":"md5","value":"cc","promised_by":"list","file":"MD5SUMS","verified_by":"lifeboat"}`,
			&Digest{Algorithm: "md5", Value: "cc", PromisedBy: PromisedByList, File: "MD5SUMS", VerifiedBy: VerifiedByLifeboat}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := Decode(Event{Kind: KindRestorePoint, Data: json.RawMessage(`{"backup":"b","point":"p",` + c.event + `}`)})
			require.NoError(t, err)
			r := begin(t, Header{}).add(1, KindRestorePoint, Subject{}, data).build()
			require.Len(t, r.RestorePoints, 1)
			assert.Equal(t, c.want, r.RestorePoints[0].Promise)
		})
	}
}
