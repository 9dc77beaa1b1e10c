package main

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"lifeboat/internal/lazy"
)

// mostAlone is how many names of one ending in a folder may be unlike all others and bear no mark of a generation; where there are
// more, the names are taken for generations of one backup: whoever made them names them otherwise than people do.
const mostAlone = 100

// Marks of a generation in a name: what differs from night to night.
var (
	longMark  = lazy.Regexp(`(?i)\d{1,2}[-_.]\d{1,2}[-_.]\d{4}|\d{4,}|\b[0-9a-f]*\d[0-9a-f]*[a-f][0-9a-f]{6,}\b`)
	dayMark   = lazy.Regexp(`(?i)(^|[-_. ])(mon|tue|wed|thu|fri|sat|sun)([a-z]*day)?($|[-_. ])`)
	shortMark = lazy.Regexp(`(^|[-_. @+])\d+`)
	digits    = regexp.MustCompile(`\d+`)
)

// shape of a name without its ending: what is the same of all generations, with # for what is not. before is what stands in front of the
// first mark; marked tells whether there is one.
//
//	shop-2026-11-28T0200   shop-#-#-#T#
//	db2-full-20261128      db2-full-#
func shape(name string) (of, before string, marked bool) {
	at := -1
	if m := longMark().FindStringIndex(name); m != nil {
		at = m[0]
	} else if m := dayMark().FindStringSubmatchIndex(name); m != nil {
		at = m[4]
	} else if m := shortMark().FindStringSubmatchIndex(name); m != nil {
		at = m[3]
	}
	if at < 0 {
		return name, name, false
	}
	before, rest := name[:at], name[at:]
	rest = longMark().ReplaceAllString(rest, "#")
	rest = dayMark().ReplaceAllString(rest, "$1#$4")
	return before + digits.ReplaceAllString(rest, "#"), before, true
}

// group sorts the files of a folder that end alike into series by the shapes of their names. Each gets a pattern that fits its own files
// and none of another series in the folder, so that each file belongs to one entry; series that no pattern tells apart are one.
func group(ext string, files []candidate, others []string) []*series {
	byShape, alone := map[string]*series{}, 0
	var all []*series
	for _, f := range files {
		of, before, marked := shape(strings.TrimSuffix(path.Base(f.path), ext))
		s := byShape[of]
		if s == nil {
			s = &series{ext: ext, stem: strings.Trim(before, "-_. @+"), marked: marked}
			byShape[of] = s
			all = append(all, s)
			if !marked {
				alone++
			}
		}
		s.files = append(s.files, f)
	}
	whole := []*series{{ext: ext, Pattern: "*" + escaped(ext), marked: true, files: files}}
	if len(all) == 1 || alone > mostAlone {
		return whole
	}
	for _, s := range all {
		foreign := append([]string(nil), others...)
		for _, o := range all {
			if o != s {
				foreign = append(foreign, o.names()...)
			}
		}
		if s.Pattern = s.apart(foreign); s.Pattern == "" {
			return whole
		}
	}
	return all
}

func (s *series) names() (all []string) {
	for _, f := range s.files {
		all = append(all, path.Base(f.path))
	}
	return all
}

// apart is a pattern that fits the series and nothing foreign, the simplest; "": there is none.
func (s *series) apart(foreign []string) string {
	first := s.names()[0]
	if !s.marked {
		return escaped(first)
	}
	name := strings.TrimSuffix(first, s.ext)
	_, before, _ := shape(name)
	begin, end, ext := escaped(before), escaped(tail(name[len(before):])), escaped(s.ext)
	for _, pattern := range []string{
		begin + "*" + ext, begin + "*" + end + ext, begin + "[0-9]*" + ext, begin + "[0-9]*" + end + ext,
		begin + inClasses(name[len(before):]) + ext,
	} {
		if fits(pattern, s.names(), true) && fits(pattern, foreign, false) {
			return pattern
		}
	}
	return ""
}

// tail is what stands behind the last mark.
func tail(marks string) string {
	shape := dayMark().ReplaceAllString(longMark().ReplaceAllString(marks, "#"), "$1#$4")
	shape = digits.ReplaceAllString(shape, "#")
	return shape[strings.LastIndex(shape, "#")+1:]
}

// inClasses is a text with a class for each digit and letter: all generations are as long.
func inClasses(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
			b.WriteString("[0-9]")
		case 'a' <= c && c <= 'z':
			b.WriteString("[a-z]")
		case 'A' <= c && c <= 'Z':
			b.WriteString("[A-Z]")
		default:
			b.WriteString(escaped(string(c)))
		}
	}
	return b.String()
}

func fits(pattern string, names []string, all bool) bool {
	for _, name := range names {
		if ok, err := path.Match(pattern, name); err != nil || ok != all {
			return false
		}
	}
	return true
}

// escaped is a text as path.Match takes it for itself.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// named gives the series of one folder their names: that of the folder, with what tells them apart.
func named(all []*series, folder string, taken map[string]bool) {
	stems, exts := map[string]int{}, map[string]bool{}
	for _, s := range all {
		stems[s.ext]++
		exts[s.ext] = true
	}
	for _, s := range all {
		name := folder
		if stems[s.ext] > 1 && s.stem != "" {
			name = fmt.Sprintf("%s-%s", name, s.stem)
		}
		if len(exts) > 1 {
			name += s.ext
		}
		s.Name = unlike(name, taken)
	}
	if len(all) == 1 {
		all[0].Pattern = ""
	}
}
