package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/night"
)

// TestForecastInWords: --status and the page say how long a backup takes to be back and what will become of that, and where nobody can
// know.
func TestForecastInWords(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 5, d, 2, 0, 0, 0, time.UTC) }
	f := night.Forecast{Proofs: 30, Now: 358 * time.Second, Limit: 10 * time.Minute, Growth: 2 * time.Second, Least: 1900 * time.Millisecond,
		Most: 2100 * time.Millisecond, Exceeds: day(31), Earliest: day(20), Latest: day(31).AddDate(0, 0, 9)}
	for lang, want := range map[Language]map[string]string{
		English: {night.ForecastExceeds: "5 min 58.0 s, +2.00 s a day (1.90 to 2.10): over 10 min on 2026-05-31 (between 2026-05-20 and 2026-06-09)",
			night.ForecastFew: "NOT ENOUGH DATA (proofs: 30)", night.ForecastLevel: "NOT ENOUGH DATA", night.ForecastStep: "NOT ENOUGH DATA",
			night.ForecastFalling: "falling", night.ForecastFar: "for a year at least", night.ForecastExceeded: "over 10 min by now", night.ForecastNoLimit: "+2.00 s a day"},
		Chinese: {night.ForecastExceeds: "预计 2026-05-31 超过 10 分", night.ForecastFew: "数据不足（30 次证明）", night.ForecastLevel: "数据不足", night.ForecastStep: "数据不足",
			night.ForecastFalling: "下降", night.ForecastFar: "至少一年内", night.ForecastExceeded: "已超过", night.ForecastNoLimit: "每天增加 2.00 秒"},
	} {
		for says, text := range want {
			f.Says = says
			assert.Contains(t, aboutNight(aNight(), Options{Language: lang}).forecast(f), text, says)
		}
	}
	assert.Empty(t, aboutNight(aNight(), Options{Language: English}).forecast(night.Forecast{Says: night.ForecastFew}), "nothing was measured")

	f.Says = night.ForecastExceeds
	var status, page, js strings.Builder
	all := []night.Standing{{Backup: "shop", State: night.Proved, Time: f}}
	require.NoError(t, StandingTerminal(&status, all, Options{Language: English, Width: 300}))
	assert.Contains(t, status.String(), "over 10 min on 2026-05-31")
	require.NoError(t, StandingJSON(&js, all, Options{}))
	assert.Contains(t, js.String(), `"exceeds":"2026-05-31T02:00:00Z"`)
	n := aNight()
	n.Proofs[0].Recovery, n.Proofs[0].Limit = 6*time.Second, 10*time.Minute
	require.NoError(t, NightsPage(&page, []*night.Night{n}, Options{Language: English}))
	assert.Contains(t, page.String(), "<small>6.0 s; when it will be too long: NOT ENOUGH DATA (proofs: 1)</small>")
}
