package main

import (
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Each file of a folder belongs to one series, by patterns that do not overlap.
func TestGroups(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files []string
		want  map[string]int // patterns, and how many files each fits
	}{
		"generations":               {[]string{"shop-20261127.dump", "shop-20261128.dump"}, map[string]int{"*.dump": 2}},
		"one number each":           {[]string{"1.dump", "2.dump", "10.dump"}, map[string]int{"*.dump": 3}},
		"one begins as the other":   {[]string{"app-20261127.dump", "app-20261128.dump", "app-full-20261128.dump"}, map[string]int{"app-[0-9]*.dump": 2, "app-full-*.dump": 1}},
		"the date first":            {[]string{"2026-11-27-crm.dump", "2026-11-28-crm.dump", "2026-11-28-shop.dump"}, map[string]int{"*-crm.dump": 2, "*-shop.dump": 1}},
		"day before month and year": {[]string{"shop_27.11.2026.dump", "shop_28.11.2026.dump"}, map[string]int{"*.dump": 2}},
		"days of the week":          {[]string{"shop-mon.dump", "shop-tue.dump", "crm-Monday.dump"}, map[string]int{"shop-*.dump": 2, "crm-*.dump": 1}},
		"numbered servers":          {[]string{"db1-20261128.dump", "db2-20261128.dump"}, map[string]int{"db1-*.dump": 1, "db2-*.dump": 1}},
		"digests":                   {[]string{"3fa94c1d02.dump", "77ce0a11b9.dump"}, map[string]int{"*.dump": 2}},
		"one each":                  {[]string{"crm.dump", "shop.dump", "shop[1].dump"}, map[string]int{"crm.dump": 1, "shop.dump": 1, `shop\[1].dump`: 1}},
		"with a time":               {[]string{"a-20261128T020000Z.dump", "a-20261128T030000Z.dump", "a-b-20261128T020000Z.dump"}, map[string]int{"a-[0-9]*.dump": 2, "a-b-*.dump": 1}},
		"no way to tell":            {[]string{"a-2026.dump", "a-20270.dump", "a-2026x20.dump"}, map[string]int{"*.dump": 3}},
	} {
		t.Run(name, func(t *testing.T) {
			var files []candidate
			for _, f := range tc.files {
				files = append(files, candidate{path: "db/" + f})
			}
			got := map[string]int{}
			all := group(".dump", files, []string{"notes.txt"})
			for _, f := range tc.files {
				in := 0
				for _, s := range all {
					if ok, err := path.Match(s.Pattern, f); ok && err == nil {
						got[s.Pattern]++
						in++
					}
				}
				assert.Equal(t, 1, in, "%s belongs to one entry", f)
			}
			assert.Equal(t, tc.want, got)
		})
	}
}
