package reports

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

// measure shows every page in frames of two widths and leaves in the title what stands out of them. Words of the drawings
// count, too. A window of Chromium has at least 500 pixels; a frame may be as narrow as a phone.
const measure = `<!DOCTYPE html><title>not yet</title><body>%s<script>
addEventListener("load", () => {
  const found = [];
  for (const f of document.querySelectorAll("iframe")) {
    const d = f.contentDocument, wide = f.clientWidth, name = f.getAttribute("src").split("/").pop() + " at " + wide;
    if (d.documentElement.scrollWidth > wide) found.push(name + ": " + d.documentElement.scrollWidth + " wide");
    for (const e of d.querySelectorAll("body *")) {
      const r = e.getBoundingClientRect();
      if (r.width && (r.right > wide + 1 || r.left < -1)) found.push(name + ": " + e.tagName + " " + e.textContent.trim().slice(0, 40));
    }
  }
  document.title = "measured " + document.querySelectorAll("iframe").length + ": " + found.slice(0, 9).join(" | ");
});
</script></body>`

// TestInABrowser draws every sample in Chromium, from Debian, on a wide screen and on a phone: nothing may stand out of the
// page. A passed, a failed and an inconclusive one are photographed and printed; LIFEBOAT_SHOTS keeps the pictures.
func TestInABrowser(t *testing.T) {
	needs.Long(t)
	browser, err := exec.LookPath("chromium")
	if err != nil {
		needs.Skip(t, "chromium is not installed: apt-get install chromium")
	}
	shots := os.Getenv("LIFEBOAT_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	run := func(t *testing.T, args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, browser, append([]string{"--headless=new", "--no-sandbox", "--disable-gpu",
			"--hide-scrollbars", "--allow-file-access-from-files", "--user-data-dir=" + t.TempDir()}, args...)...).Output()
		require.NoError(t, err)
		return string(out)
	}
	var frames strings.Builder
	count := 0
	for _, sm := range samples(t) {
		for _, l := range Languages() {
			path := filepath.Join(shots, sm.name+"."+string(l)+".html")
			require.NoError(t, os.WriteFile(path, []byte(render(t, must(Find("html")), sm, l)), 0o600))
			for _, width := range []int{1280, 390} {
				fmt.Fprintf(&frames, `<iframe src="file://%s" style="border:0;width:%dpx;height:3000px"></iframe>`, path, width)
				count++
			}
		}
	}
	all := filepath.Join(shots, "all.html")
	require.NoError(t, os.WriteFile(all, fmt.Appendf(nil, measure, frames.String()), 0o600))
	assert.Contains(t, run(t, "--window-size=1400,3000", "--dump-dom", "file://"+all),
		fmt.Sprintf("<title>measured %d: </title>", count), "something stands out of a page")
	for _, name := range []string{"passed", "not-recovered", "inconclusive"} {
		for _, l := range Languages() {
			path := filepath.Join(shots, name+"."+string(l))
			for _, width := range []int{1280, 390} {
				png := fmt.Sprintf("%s.%d.png", path, width)
				run(t, fmt.Sprintf("--window-size=%d,4000", width), "--screenshot="+png, "file://"+path+".html")
				assert.Greater(t, sizeOf(t, png), int64(20_000))
			}
			run(t, "--no-pdf-header-footer", "--print-to-pdf="+path+".pdf", "file://"+path+".html")
			assert.Greater(t, sizeOf(t, path+".pdf"), int64(20_000))
		}
	}
}

func must(f Format, err error) Format {
	if err != nil {
		panic(err)
	}
	return f
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}
