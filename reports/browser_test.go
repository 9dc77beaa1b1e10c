package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/internal/needs"
)

// measure shows every page in frames of two widths and leaves in the title what is wrong with one: what stands out of the page
// or of its own box, what is not there to be read, words of a drawing that lie on each other, a verdict that is not the first
// thing seen. A window of Chromium has at least 500 pixels; a frame may be as narrow as a phone.
const measure = `<!DOCTYPE html><title>not yet</title><body>%s<script>
addEventListener("load", () => {
  const found = [];
  for (const f of document.querySelectorAll("iframe")) {
    const d = f.contentDocument, wide = f.clientWidth, name = f.getAttribute("src").split("/").pop() + " at " + wide;
    const wrong = (what, e) => found.push(name + ": " + what + " " + e.tagName + " " + e.textContent.trim().slice(0, 40));
    if (d.documentElement.scrollWidth > wide) found.push(name + ": " + d.documentElement.scrollWidth + " wide");
    for (const e of d.querySelectorAll("body *")) {
      const r = e.getBoundingClientRect();
      if (r.width && (r.right > wide + 1 || r.left < -1)) wrong("outside", e);
      const cut = e.clientWidth && e.textContent.trim() && !e.closest("svg") && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
      if (cut && f.contentWindow.getComputedStyle(e).display != "inline") wrong("cut", e);
    }
    const first = d.querySelector(".verdict").getBoundingClientRect(), told = d.querySelector(".sentence").getBoundingClientRect();
    if (first.top > 60 || told.top > 200 || told.bottom > 844) wrong("not on the first screen:", d.querySelector(".sentence"));
    for (const e of d.querySelectorAll(".badge")) if (!/^[^\s\p{L}]/u.test(e.textContent.trim())) wrong("told by its colour alone:", e);
    const words = [...d.querySelectorAll("svg text")].map(e => [e, e.getBoundingClientRect()]).filter(([e, r]) => r.width);
    words.forEach(([e, r], i) => {
      const within = e.closest("svg").getBoundingClientRect();
      if (r.left < within.left - 1 || r.right > within.right + 1 || r.bottom > within.bottom + 1) wrong("out of the drawing:", e);
      if (parseFloat(f.contentWindow.getComputedStyle(e).fontSize) * e.getScreenCTM().a < 11) wrong("too small:", e);
      for (const [o, s] of words.slice(i + 1)) {
        if (r.left < s.right - 1 && s.left < r.right - 1 && r.top + 3 < s.bottom - 3 && s.top + 3 < r.bottom - 3) wrong("on " + o.textContent, e);
      }
    });
    for (const n of JSON.parse(f.dataset.words)) {
      if (!words.some(([e]) => e.textContent.includes(n))) found.push(name + ": the drawing does not say " + n);
    }
  }
  document.title = "measured " + document.querySelectorAll("iframe").length + ": " + found.slice(0, 9).join(" | ");
});
</script></body>`

// TestInABrowser draws every sample in Chromium, from Debian, on a wide screen and on a phone. A passed, a failed and an
// inconclusive one are photographed and printed; LIFEBOAT_SHOTS keeps the pictures.
func TestInABrowser(t *testing.T) {
	needs.Long(t)
	for _, program := range []string{"chromium", "pdftotext"} {
		if _, err := exec.LookPath(program); err != nil {
			needs.Skip(t, program+" is not installed: make browser installs it")
		}
	}
	shots := os.Getenv("LIFEBOAT_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	chromium := func(t *testing.T, args ...string) string {
		return run(t, "chromium", append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
			"--allow-file-access-from-files", "--user-data-dir=" + t.TempDir()}, args...)...)
	}
	var frames strings.Builder
	count := 0
	all := map[string]sample{}
	for _, sm := range samples(t) {
		all[sm.name] = sm
		for _, l := range Languages() {
			path := filepath.Join(shots, sm.name+"."+string(l)+".html")
			require.NoError(t, os.WriteFile(path, []byte(render(t, must(Find("html")), sm, l)), 0o600))
			for _, width := range []int{1280, 390} {
				fmt.Fprintf(&frames, `<iframe src="file://%s" data-words="%s" style="border:0;width:%dpx;height:3000px"></iframe>`,
					path, html.EscapeString(toJSON(t, drawn(sm.record, l))), width)
				count++
			}
		}
	}
	index := filepath.Join(shots, "all.html")
	require.NoError(t, os.WriteFile(index, fmt.Appendf(nil, measure, frames.String()), 0o600))
	dom := chromium(t, "--window-size=1400,3000", "--dump-dom", "file://"+index)
	assert.Equal(t, fmt.Sprintf("measured %d: ", count), html.UnescapeString(regexp.MustCompile(`<title>(.*?)</title>`).FindStringSubmatch(dom)[1]))
	for _, name := range []string{"passed", "not-recovered", "inconclusive"} {
		for _, l := range Languages() {
			path := filepath.Join(shots, name+"."+string(l))
			for _, width := range []int{1280, 390} {
				png := fmt.Sprintf("%s.%d.png", path, width)
				chromium(t, fmt.Sprintf("--window-size=%d,4000", width), "--screenshot="+png, "file://"+path+".html")
				info, err := os.Stat(png)
				require.NoError(t, err)
				assert.Greater(t, info.Size(), int64(20_000))
			}
			chromium(t, "--no-pdf-header-footer", "--print-to-pdf="+path+".pdf", "file://"+path+".html")
			paper := letters(run(t, "pdftotext", "-layout", path+".pdf", "-"))
			for _, word := range printed(all[name], l) {
				assert.True(t, strings.Contains(paper, letters(word)), "%s in %s does not say %q on paper", name, l, word)
			}
		}
	}
}

// drawn are the words that a drill's drawing must say: every phase that was reached, the pulse, and the host where it was pressed.
func drawn(r *record.Record, l Language) []string {
	if len(r.Phases) == 0 && r.Pulse == nil {
		return []string{}
	}
	c := Messages()
	words := []string{}
	for _, p := range r.Phases {
		if p.Outcome != record.OutcomeNotReached {
			words = append(words, c.Named(l, "phase", p.Name))
		}
	}
	a := author{c: c, l: l, r: r}
	if r.Pulse != nil {
		title, _, _ := strings.Cut(strings.ReplaceAll(a.say("timeline.pulse"), "，", ","), ",")
		words = append(words, title)
	}
	if held, _ := r.HeldUp(0, r.Ended).Most(); held > time.Second {
		title, _, _ := strings.Cut(strings.ReplaceAll(a.say("timeline.host"), "：", ":"), ":")
		words = append(words, title)
	}
	return words
}

// printed is what must stand on paper: the verdict and its sentence, the objectives with their figures, the clocks, the phases
// and the lines to sign on.
func printed(sm sample, l Language) []string {
	a := author{c: Messages(), l: l, r: sm.record, v: sm.verdict}
	words := []string{a.badge("status", string(sm.verdict.Status)).Word, a.title(), sm.record.Header.Drill, a.say("section.signatures")}
	for _, in := range sm.record.Incidents {
		for _, c := range clocksOf(sm.record, in, true) {
			words = append(words, a.l.Clock(a.wall(c.At.Late)))
		}
	}
	for _, j := range sm.verdict.Objectives {
		figure, _, _ := strings.Cut(strings.ReplaceAll(a.measured(j), "，", ","), ",") // what follows it may stand in another line
		words = append(words, figure)
	}
	for _, p := range sm.record.Phases {
		words = append(words, a.c.Named(l, "phase", p.Name))
	}
	return words
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).Output()
	require.NoError(t, err)
	return string(out)
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func must(f Format, err error) Format {
	if err != nil {
		panic(err)
	}
	return f
}
