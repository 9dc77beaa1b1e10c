package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

func format(t *testing.T, name string) Format {
	t.Helper()
	f, err := Find(name)
	require.NoError(t, err)
	return f
}

var (
	outside = regexp.MustCompile(`(?i)https?:|url\(|@import|\bsrc\s*=|\bhref\s*=|<script|<link|<iframe|javascript:`)
	tags    = regexp.MustCompile(`<[^>]*>`)
)

func TestHTMLNeedsNothingFromOutside(t *testing.T) {
	for _, sm := range samples(t) {
		for _, l := range Languages() {
			got := render(t, format(t, "html"), sm, l)
			words := strings.ReplaceAll(got, "http://app:8080", "") // which the flow asked: told, and fetched by nobody
			assert.Empty(t, outside.FindAllString(words, -1), sm.name)
			assert.Contains(t, got, `<html lang="`+string(l)+`">`)
		}
	}
}

func TestHTMLIsWellFormed(t *testing.T) {
	for _, sm := range samples(t) {
		got := render(t, format(t, "html"), sm, Chinese)
		d := xml.NewDecoder(strings.NewReader(got))
		depth, ids := 0, map[string]bool{}
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, sm.name)
			switch e := token.(type) {
			case xml.StartElement:
				depth++
				for _, a := range e.Attr {
					if a.Name.Local == "id" {
						assert.False(t, ids[a.Value], "id %s stands twice", a.Value)
						ids[a.Value] = true
					}
				}
			case xml.EndElement:
				depth--
			}
		}
		assert.Zero(t, depth)
	}
}

func TestHTMLSaysEverything(t *testing.T) {
	for _, sm := range samples(t) {
		for _, l := range Languages() {
			page := html.UnescapeString(tags.ReplaceAllString(render(t, format(t, "html"), sm, l), ""))
			a := author{c: Messages(), l: l, r: sm.record, v: sm.verdict}
			assert.Contains(t, page, a.status(sm.verdict.Status).Word)
			for _, j := range sm.verdict.Objectives {
				assert.Contains(t, page, a.objectiveName(j), sm.name)
				assert.Contains(t, page, a.measured(j), sm.name)
			}
			for _, q := range a.questions() {
				assert.Contains(t, page, q.Name, sm.name)
				for _, c := range q.Answers {
					assert.Contains(t, page, a.message(c), sm.name)
				}
			}
			for _, f := range sm.verdict.Findings {
				assert.Contains(t, page, a.words(record.Reason{ID: f.ID, Args: f.Args}), sm.name)
			}
			for _, r := range append(sm.verdict.Reasons, sm.verdict.Unmeasured...) {
				if sm.verdict.Status != record.StatusPassed && !r.Follows { // those are told together
					assert.Contains(t, page, a.words(r), sm.name)
				}
			}
			for _, e := range sm.verdict.Excluded {
				assert.Contains(t, page, e.Reason, sm.name)
			}
			for _, p := range sm.record.RestorePoints {
				assert.Contains(t, page, p.Digest, sm.name)
			}
			assert.Contains(t, page, sm.record.Journal.Digest)
			assert.Contains(t, page, sm.record.Header.ScenarioDigest)
		}
	}
}

func TestTextsFromADrillAreNotMarkup(t *testing.T) {
	for _, sm := range samples(t) {
		if sm.name != "bad-backup" {
			continue
		}
		assert.NotContains(t, render(t, format(t, "html"), sm, English), "<script>")
		md := render(t, format(t, "markdown"), sm, English)
		assert.NotContains(t, md, "<script>")
		assert.Contains(t, md, `\*\*co\*\*\|x`)
	}
}

func TestAStatusIsMoreThanAColour(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []record.Status{record.StatusPassed, record.StatusFailed, record.StatusInconclusive,
		record.StatusAborted, record.StatusNotRun} {
		for _, l := range Languages() {
			b := author{c: Messages(), l: l, r: &record.Record{}}.status(s)
			assert.NotEmpty(t, b.Symbol)
			assert.NotEmpty(t, b.Word)
			if other, ok := seen[b.Symbol+string(l)]; ok {
				t.Errorf("%s and %s have the same symbol", other, s)
			}
			seen[b.Symbol+string(l)] = string(s)
		}
	}
}

func TestJSONSaysWhatWasNotMeasured(t *testing.T) {
	for _, sm := range samples(t) {
		got := render(t, format(t, "json"), sm, English)
		assert.Equal(t, 1, strings.Count(got, "\n"), "one object a line")
		var any map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(got), &any))
		for _, key := range []string{"drill", "number", "series", "scenario", "status", "verdict", "why",
			"objectives", "checks", "findings", "outage", "reports"} {
			assert.Contains(t, any, key)
		}
		for _, list := range []string{"objectives", "checks", "findings", "reasons", "unmeasured", "excluded"} {
			assert.True(t, bytes.HasPrefix(any[list], []byte("[")), "%s is a list, never null", list)
		}
		var s Summary
		require.NoError(t, json.Unmarshal([]byte(got), &s))
		assert.Equal(t, sm.want, s.Verdict)
		assert.NotEmpty(t, s.Why)
		if sm.name != "not-recovered" {
			continue
		}
		for _, o := range s.Objectives {
			if o.Name == "restored" {
				assert.Nil(t, o.Measured)
				assert.Nil(t, o.Upper)
				assert.InDelta(t, 680, *o.Lower, 0.001)
				assert.InDelta(t, 600, *o.Target, 0.001)
				assert.Equal(t, record.StatusFailed, o.Verdict)
			}
		}
		assert.Nil(t, s.Outage.Upper)
	}
}

func TestJUnitIsRedWhereTheVerdictIs(t *testing.T) {
	for _, sm := range samples(t) {
		got := render(t, format(t, "junit"), sm, English)
		var all junitSuites
		require.NoError(t, xml.Unmarshal([]byte(got), &all))
		cases := map[string]bool{}
		tests, failures, errs, skipped := 0, 0, 0, 0
		for _, s := range all.Suites {
			for _, c := range s.Cases {
				tests++
				cases[c.Name] = true
				if c.Failure != nil {
					failures++
				}
				if c.Error != nil {
					errs++
				}
				if c.Skipped != nil {
					skipped++
				}
			}
		}
		assert.Equal(
			t,
			[]int{tests, failures, errs, skipped},
			[]int{all.Tests, all.Failures, all.Errors, all.Skipped},
			sm.name,
		)
		for _, c := range sm.record.Header.Checks {
			assert.True(t, cases[c.Name], "%s: no case for %s", sm.name, c.Name)
		}
		switch sm.want {
		case record.StatusPassed:
			assert.Zero(t, failures+errs, sm.name)
		case record.StatusFailed:
			assert.NotZero(t, failures, sm.name)
		default:
			assert.NotZero(t, errs, sm.name)
		}
	}
}

func TestFind(t *testing.T) {
	for _, f := range Formats() {
		got, err := Find(f.Name)
		require.NoError(t, err)
		assert.Equal(t, f.File, got.File)
	}
	_, err := Find("pdf")
	assert.EqualError(t, err, `find report format "pdf": choose one of [terminal html markdown json junit]`)
}

// failing refuses every byte.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAWriterThatFailsIsAnError(t *testing.T) {
	sm := samples(t)[0]
	for _, f := range Formats() {
		assert.ErrorIs(t, f.Render(failing{}, sm.record, sm.verdict, Options{}), io.ErrShortWrite, f.Name)
	}
}

func TestAnEmptyRecordIsDrawn(t *testing.T) {
	for _, f := range Formats() {
		for _, l := range Languages() {
			var b bytes.Buffer
			require.NoError(
				t,
				f.Render(&b, &record.Record{}, record.Verdict{Status: record.StatusInconclusive}, Options{Language: l}),
				f.Name,
			)
			assert.NotContains(t, b.String(), "⟦")
		}
	}
}
