package reports

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"lifeboat/drills/record"
)

// The elements of JUnit's XML, as the common schema of Jenkins, GitLab and GitHub actions reads it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property,omitempty"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Time    string       `xml:"time,attr"`
		Failure *junitResult `xml:"failure"`
		Error   *junitResult `xml:"error"`
		Skipped *junitResult `xml:"skipped"`
	}
	junitResult struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a suite of the verdict, one of the objectives and one of each layer's checks.
// Failed is a failure, inconclusive and crashed are errors: nothing unknown is green.
func JUnit(w io.Writer, r *record.Record, v record.Verdict, o Options) error {
	a := author{c: Messages(), l: o.Language.known(), r: r, v: v, o: o, said: map[string]bool{}}
	all := junitSuites{Name: printable(a.title()), Time: xmlSeconds(r.Ended)}
	all.add(r, a.junitVerdict())
	all.add(r, a.junitObjectives())
	for _, layer := range record.Layers() {
		if s := a.junitChecks(layer); len(s.Cases) > 0 {
			all.add(r, s)
		}
	}
	return writeJUnit(w, all)
}

// writeJUnit writes suites as a file.
func writeJUnit(w io.Writer, all junitSuites) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (all *junitSuites) add(r *record.Record, s junitSuite) {
	s.Timestamp = r.Header.Started.UTC().Format("2006-01-02T15:04:05")
	for _, c := range s.Cases {
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	s.Time = cmp.Or(s.Time, xmlSeconds(0))
	all.Tests, all.Failures = all.Tests+s.Tests, all.Failures+s.Failures
	all.Errors, all.Skipped = all.Errors+s.Errors, all.Skipped+s.Skipped
	all.Suites = append(all.Suites, s)
}

// junitVerdict has one case, so that a drill whose checks all passed is red all the same where
// its verdict is.
func (a author) junitVerdict() junitSuite {
	c := junitCase{Class: "verdict", Name: printable(a.r.Header.Scenario), Time: xmlSeconds(a.r.Ended)}
	var reasons []string
	for _, r := range a.v.Reasons {
		reasons = append(reasons, a.c.Sentence(a.l, r))
		if next := a.next(r); next != "" {
			reasons = append(reasons, "→ "+next)
		}
	}
	c.result(a.v.Status, a.why(), strings.Join(reasons, "\n"))
	h := a.r.Header
	s := junitSuite{Name: "verdict", Time: c.Time, Cases: []junitCase{c}, Properties: []junitProperty{
		{"drill", printable(h.Drill)}, {"number", fmt.Sprint(h.Number)}, {"series", printable(h.Series)},
		{"status", string(a.r.Status)}, {"verdict", string(a.v.Status)}, {"journal", printable(a.r.Journal.Digest)},
	}}
	for _, w := range a.weaknesses() {
		s.Properties = append(s.Properties, junitProperty{"weak", printable(a.c.Sentence(a.l, w))})
	}
	return s
}

func (c *junitCase) result(s record.Status, message, text string) {
	res := &junitResult{Message: printable(message), Type: string(s), Text: printable(text)}
	switch s {
	case record.StatusPassed:
	case record.StatusFailed:
		c.Failure = res
	case record.StatusNotRun:
		res.Type = ""
		c.Skipped = res
	default:
		c.Error = res
	}
}

func (a author) junitObjectives() junitSuite {
	s := junitSuite{Name: "objectives"}
	for _, j := range a.v.Objectives {
		c := junitCase{
			Class: "objectives",
			Name:  printable(strings.Join(nonEmpty(j.Name, j.Scope), " ")),
			Time:  xmlSeconds(0),
		}
		if j.Measured != nil {
			c.Time = xmlSeconds(*j.Measured)
		}
		message := a.say("junit.limit", "limit", a.l.Limit(j.Limit), "measured", a.measured(j))
		if j.Note != nil {
			message += ": " + a.c.Sentence(a.l, *j.Note)
		}
		if !j.Unlimited {
			c.result(j.Status, message, message)
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

func (a author) junitChecks(layer record.Layer) junitSuite {
	s := junitSuite{Name: "checks." + string(layer)}
	var total time.Duration
	for _, q := range a.questions() {
		if q.Layer != layer {
			continue
		}
		c := junitCase{Class: s.Name, Name: printable(a.checkName(q.Name)), Time: xmlSeconds(0)}
		res := q.final(a.r.Header.Trigger)
		if res == nil {
			none := "junit.no_answer"
			if a.r.Header.Trigger == record.TriggerNone {
				none = "check.no_answer"
			}
			c.result(record.StatusInconclusive, a.say(none), "")
		} else {
			total += res.Ended - res.Started
			c.Time = xmlSeconds(res.Ended - res.Started)
			c.result(checkStatus(res.Status), a.message(res), strings.Join(res.Diff, "\n"))
		}
		s.Cases = append(s.Cases, c)
	}
	s.Time = xmlSeconds(total)
	return s
}

// checkStatus never lets anything but passed be green.
func checkStatus(s record.CheckStatus) record.Status {
	switch s {
	case record.CheckPassed:
		return record.StatusPassed
	case record.CheckFailed:
		return record.StatusFailed
	case record.CheckSkipped:
		return record.StatusNotRun
	default:
		return record.StatusInconclusive
	}
}

func xmlSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", max(0, d).Seconds()) }
