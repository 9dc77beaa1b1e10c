package evidence

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"lifeboat/drills/record"
)

// Reports names those of a drill's sealed reports, by their files, that are not what this lifeboat writes. What else it needs lies in the folder.
type Reports func(sealed map[string][]byte, r *record.Record, v record.Verdict, drill fs.FS) (differ []string, err error)

// render holds the reports of a drill against what this lifeboat writes. Another build may write them otherwise: that is said, and is held
// against nobody.
func (c *drillCheck) render(dir fs.FS, r VerifyRequest) {
	sealed := map[string][]byte{}
	var differ []string
	var err error
	for _, f := range c.m.Files {
		if f.Role == roleReport && err == nil {
			sealed[strings.TrimPrefix(f.Path, reportsDir)], err = readIn(dir, f.Path, mostJournal)
		}
	}
	if len(sealed) == 0 { // it died before it wrote any
		return
	}
	if err == nil {
		differ, err = r.Reports(sealed, c.j.record, c.j.verdict, dir)
	}
	why := ""
	switch {
	case err != nil:
		why, differ = err.Error(), slices.Sorted(maps.Keys(sealed))
	case len(differ) == 0:
		c.rendered = true
		return
	}
	id := "report_other_build"
	if r.Build != "" && r.Build == c.m.Build {
		id = "report_differs"
	}
	c.problems = append(c.problems, problem(id, "drill", c.ID, "file", ascii(strings.Join(differ, ", ")), "why", why))
}
