package reports

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// column is one rollback of the comparison as it stands on paper, by the row's name.
func comparedColumn(t *testing.T, d document, n int) map[string]string {
	t.Helper()
	got := map[string]string{}
	table := find(d, "comparison", "comparison")
	got[""] = table.Columns[n].Title
	for _, row := range table.Rows {
		c := row[n]
		if c.Badge != nil {
			c.Text = c.Badge.Word
		}
		got[row[0].Text] = strings.TrimSpace(c.Text + " " + c.Small)
	}
	return got
}

func TestComparison(t *testing.T) {
	sm := kernelDrill()
	d := newDocument(sm.record, record.Verdict{}, Options{})
	assert.Equal(t, map[string]string{"": "3. rebuild", "begins with": "revert pos to upgraded",
		"steps": "destroy pos → boot pos", "outcome": "done", "machine booted (T3 → T4)": "21.0 s",
		"business back (T0 → T6)": "1 min 6 s", "restored and verified (T0 → T7)": "1 min 19.0 s",
		"of which digest of the backup": "3.1 s 1 min 15.9 s without it", "checks passed": "3 of 3",
		"basis": "emulated"}, comparedColumn(t, d, 3))

	in := &sm.record.Incidents[1]
	in.T5, in.T6, in.T7, in.Rollback, in.Error = nil, nil, nil, "failed", "boot pos: not ready"
	for i := range sm.record.Checks {
		if c := &sm.record.Checks[i]; c.Incident == 2 && c.Layer == record.LayerBusiness {
			c.Status = record.CheckFailed
		}
	}
	sm.record.Header.Incidents[1].Name = ""
	d = newDocument(sm.record, record.Verdict{}, Options{})
	got := comparedColumn(t, d, 2)
	assert.Equal(t, "2. Incident 2", got[""], "a way back without a name")
	assert.Equal(t, "failed boot pos: not ready", got["outcome"])
	assert.Equal(t, "not measured", got["restored and verified (T0 → T7)"])
	assert.Equal(t, "2 of 3", got["checks passed"])
	for _, s := range d.Sections {
		if s.ID == "comparison" {
			assert.NotContains(t, s.Blocks[1].Paragraph, "soonest", "where one never came back, none is named the best")
		}
	}

	sm.record.Incidents[1].T3, sm.record.Incidents[2].T3 = nil, nil
	for _, s := range newDocument(sm.record, record.Verdict{}, Options{}).Sections {
		assert.NotEqual(t, "comparison", s.ID, "one alone is compared with nothing")
	}
}

func TestMachinesInJSON(t *testing.T) {
	sm := kernelDrill()
	sm.record.Boots[1].Unseen = true
	var b bytes.Buffer
	require.NoError(t, JSON(&b, sm.record, record.Verdict{Objectives: []record.Judged{{Name: "restored",
		Verifying: 3100 * ms}}}, Options{}))
	var got struct {
		Objectives []struct {
			Verifying float64 `json:"verifying_seconds"`
		}
		Rollbacks []struct {
			Incident, Checks int
			Name, Outcome    string
			Booted           *float64 `json:"booted_seconds"`
			Restored         *float64 `json:"restored_seconds"`
			Digest           float64  `json:"digest_seconds"`
			Passed           int      `json:"checks_passed"`
			Basis            string
		}
		Diagnoses []struct{ Class, Words, Source, Screen string }
		Boots     []struct {
			Facts   map[string]string
			Seconds *float64
		}
		DiskReads []map[string]any `json:"disk_reads"`
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	assert.InDelta(t, 3.1, got.Objectives[0].Verifying, 1e-9)
	require.Len(t, got.Rollbacks, 3)
	last := got.Rollbacks[2]
	assert.Equal(t, "rebuild done emulated", last.Name+" "+last.Outcome+" "+last.Basis)
	assert.InDelta(t, 79, *last.Restored, 1e-9)
	assert.InDelta(t, 21, *last.Booted, 1e-9)
	assert.InDelta(t, 3.1, last.Digest, 1e-9)
	assert.Equal(t, []int{3, 3, 3}, []int{last.Incident, last.Passed, last.Checks})
	assert.Equal(t, "kernel-panic", got.Diagnoses[1].Class)
	assert.Equal(t, "raw/screen-pos-2.png", got.Diagnoses[1].Screen)
	assert.Equal(t, "tcg", got.Boots[0].Facts["acceleration"])
	require.NotNil(t, got.Boots[0].Seconds)
	assert.Nil(t, got.Boots[1].Seconds, "nobody asked whether it is ready")
	assert.Equal(t, []map[string]any{{"backup": "shop-pos", "fetched_bytes": 103809024.0, "size_bytes": 391118848.0},
		{"backup": "shop-pos", "fetched_bytes": 98566144.0, "size_bytes": 391118848.0}}, got.DiskReads)
}

func TestMachinesInWords(t *testing.T) {
	sm := kernelDrill()
	for l, want := range map[Language][]string{
		English: {"nothing wrong with the machine itself", "kernel panic", "raw/screen-pos-2.png",
			"VFS: Unable to mount root fs on unknown-block(0,0)", "seen on the console", "Cannot open root device",
			"acceleration tcg · clock off by −0.12 s · controlled by guest agent", "the same machine again", "104 MB of 391 MB (27 %)"},
		Chinese: {"虚拟机本身未见异常", "内核崩溃", "来自串口控制台", "加速方式 tcg", "同一实例再次启动", "已读 104 MB，共 391 MB（27 %）"},
	} {
		var b bytes.Buffer
		require.NoError(t, Markdown(&b, sm.record, record.Verdict{}, Options{Language: l}))
		for _, w := range want {
			assert.True(t, strings.Contains(b.String(), w), "%s: %s", l, w)
		}
	}
	sm.record.Diagnoses[1].Class = "from-the-future"
	var b bytes.Buffer
	require.NoError(t, Markdown(&b, sm.record, record.Verdict{}, Options{}))
	assert.True(t, strings.Contains(b.String(), "from-the-future"), "a class that this version does not know")

	lazy := kernelDrill()
	lazy.record.RestorePoints[0].Digest, lazy.record.RestorePoints[0].Promise.VerifiedBy = "", record.VerifiedByNobody
	for i := range lazy.record.Restores {
		lazy.record.Restores[i].Digest, lazy.record.Restores[i].Verifying = "", 0
	}
	b.Reset()
	require.NoError(t, Markdown(&b, lazy.record, record.Verdict{}, Options{}))
	assert.True(t, strings.Contains(b.String(), "not read as a whole: not verified"))
	assert.False(t, strings.Contains(b.String(), "another one:"))
	assert.False(t, strings.Contains(b.String(), "122 MB/s"), "what was not read has no rate")
}
