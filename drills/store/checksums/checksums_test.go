package checksums

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

var (
	one = strings.Repeat("1", 64)
	two = strings.Repeat("2", 64)
)

// by is a digest that a list promises.
func by(value, list string) record.Digest {
	d := record.Digest{Algorithm: algorithmOf(list), Value: value, PromisedBy: record.PromisedByList, File: list}
	if _, single := Of(list); single {
		d.PromisedBy = record.PromisedBySideFile
	}
	return d
}

// lists of a place where the backups a, b, and mon/a lie.
func read(lists map[string]string) *Lists {
	l := &Lists{}
	for list, text := range lists {
		l.Add(list, text)
	}
	there := map[string]bool{"a": true, "b": true, "mon/a": true, "f/toc.dat": true}
	l.Settle(func(name string) bool { return there[name] })
	return l
}

func TestPromises(t *testing.T) {
	for name, test := range map[string]struct {
		list, text string
		want       List
	}{
		"text and binary":       {Name, one + "  a\n" + two + " *mon/a\r\n# why\n\n", List{"a": by(one, Name), "mon/a": by(two, Name)}},
		"in a folder":           {"mon/" + Name, one + "  ./a\n", List{"mon/a": by(one, "mon/"+Name)}},
		"the bare digest":       {"mon/a.sha256", strings.ToUpper("ab") + one[2:] + "\n", List{"mon/a": by("ab"+one[2:], "mon/a.sha256")}},
		"escaped":               {Name, `\` + one + `  a\\b\nc`, List{"a\\b\nc": by(one, Name)}},
		"twice the same":        {Name, one + "  a\n" + one + "  a\n", List{"a": by(one, Name)}},
		"an absolute path":      {Name, one + "  /backups/of today/a", List{"a": by(one, Name)}},
		"out of the place":      {Name, one + "  b/../../a", List{"a": by(one, Name)}},
		"from another place":    {Name, one + "  out/b", List{"b": by(one, Name)}},
		"tagged":                {Name, "SHA256 (a) = " + one + "\n\\SHA256 (x\\ny) = " + two, List{"a": by(one, Name), "x\ny": by(two, Name)}},
		"openssl 1":             {Name, "SHA256(./a)= " + one, List{"a": by(one, Name)}},
		"openssl 3":             {"a.sha256", "SHA2-256(/x/a)= " + one, List{"a": by(one, "a.sha256")}},
		"a name in brackets":    {Name, "SHA256 (a (1)) = " + one, List{"a (1)": by(one, Name)}},
		"its own, absolute":     {"a.sha256", one + "  /x/a", List{"a": by(one, "a.sha256")}},
		"its own, relative":     {"mon/a.sha256", one + "  mon/a", List{"mon/a": by(one, "mon/a.sha256")}},
		"its own, as a text":    {"a.sha256.txt", one + "  a", List{"a": by(one, "a.sha256.txt")}},
		"its own, in capitals":  {"a.SHA256", one + "  a", List{"a": by(one, "a.SHA256")}},
		"its own, of stdin":     {"a.sha256", one + "  -", List{"a": by(one, "a.sha256")}},
		"its own and a note":    {"a.sha256", "checksum\n" + one + "  a", List{"a": by(one, "a.sha256")}},
		"its own, of its files": {"f.sha256", one + "  f/toc.dat", List{"f/toc.dat": by(one, "f.sha256")}},
		"a mark of byte order":  {"a.sha256", "\ufeff" + one + "  a", List{"a": by(one, "a.sha256")}},
		"one line is no line":   {Name, "hello\n" + one + "  a", List{"a": by(one, Name)}},
	} {
		t.Run(name, func(t *testing.T) {
			l := read(map[string]string{test.list: test.text})
			assert.Equal(t, test.want, l.List)
			for promised := range test.want {
				assert.Empty(t, l.Doubt(promised))
			}
		})
	}
}

func TestDoubts(t *testing.T) {
	for name, test := range map[string]struct {
		lists map[string]string
		a, b  string // why a and b are in doubt
	}{
		"no list":          {map[string]string{}, "", ""},
		"it names another": {map[string]string{Name: one + "  b"}, "SHA256SUMS does not name it", ""},
		"an empty list": {map[string]string{Name: "# none yet\n"}, "SHA256SUMS does not name it",
			"SHA256SUMS does not name it"},
		"a page": {map[string]string{Name: "<html>"}, "SHA256SUMS does not name it, and SHA256SUMS:1 is not a line of sha256sum",
			"SHA256SUMS does not name it, and SHA256SUMS:1 is not a line of sha256sum"},
		"one line of two": {map[string]string{Name: one[1:] + "  a\n" + one + "  b"},
			"SHA256SUMS does not name it, and SHA256SUMS:1 is not a line of sha256sum", ""},
		"another digest":    {map[string]string{"a.sha256": "MD5 (a) = " + one[:32]}, "a.sha256:1 is not a line of sha256sum", ""},
		"of another":        {map[string]string{"a.sha256": one + "  b"}, "a.sha256 promises the digest of b", ""},
		"of nothing":        {map[string]string{"a.sha256": "\n"}, "a.sha256 promises nothing", ""},
		"two digests":       {map[string]string{Name: one + "  x/a\n" + two + "  a\n" + one + "  b"}, "it is promised two digests", ""},
		"of two lists":      {map[string]string{Name: one + "  a\n" + two + "  b", "a.sha256": two}, "it is promised two digests", ""},
		"of a place below":  {map[string]string{Name: one + "  mon/c"}, "SHA256SUMS does not name it", "SHA256SUMS does not name it"},
		"of another's list": {map[string]string{"mon/" + Name: one + "  a"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := read(test.lists)
			for backup, want := range map[string]string{"a": test.a, "b": test.b} {
				if got := l.Doubt(backup); want == "" {
					assert.Empty(t, got, backup)
				} else {
					assert.Contains(t, got, want, backup)
					assert.False(t, l.List[backup].Given(), backup)
				}
			}
		})
	}
}

// What lists of other algorithms promise counts where no stronger one promises anything.
func TestAlgorithms(t *testing.T) {
	md5, sha1, sha512 := one[:32], one[:40], one+two
	for name, test := range map[string]struct {
		lists map[string]string
		want  string // of a
		doubt string
	}{
		"md5sum":                 {map[string]string{"MD5SUMS": md5 + "  a\n"}, "md5:" + md5, ""},
		"md5sum --tag":           {map[string]string{"a.md5": "MD5 (a) = " + md5}, "md5:" + md5, ""},
		"openssl dgst -sha1":     {map[string]string{"a.sha1": "SHA1(a)= " + sha1}, "sha1:" + sha1, ""},
		"openssl dgst -sha512":   {map[string]string{"a.sha512": "SHA2-512(a)= " + sha512}, "sha512:" + sha512, ""},
		"a bare one":             {map[string]string{"a.md5sum": md5}, "md5:" + md5, ""},
		"the strongest of three": {map[string]string{"a.md5": md5, "a.sha256": two, "SHA1SUMS": sha1 + "  a"}, "sha256:" + two, ""},
		"a weaker one in doubt":  {map[string]string{"a.md5": "<html>", "MD5SUMS": "", "a.sha256": two}, "sha256:" + two, ""},
		"two weaker ones":        {map[string]string{"a.md5": md5, "MD5SUMS": two[:32] + "  a", "a.sha256": two}, "sha256:" + two, ""},
		"a stronger in doubt":    {map[string]string{"a.md5": md5, "a.sha256": "<html>"}, "md5:" + md5, "a.sha256:1 is not a line of sha256sum"},
		"two stronger ones":      {map[string]string{"a.md5": md5, "a.sha256": one, Name: two + "  a"}, "", "it is promised two digests"},
		"not of its algorithm":   {map[string]string{"a.md5": one}, "", "a.md5:1 is not a line of md5sum"},
		"names another":          {map[string]string{"MD5SUMS": md5 + "  b"}, "", "MD5SUMS does not name it"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 { // whichever is read first
				l := read(test.lists)
				assert.Equal(t, test.want, l.List["a"].String())
				if test.doubt == "" {
					assert.Empty(t, l.Doubt("a"))
				}
				assert.Contains(t, l.Doubt("a"), test.doubt)
			}
		})
	}
}

func TestFolder(t *testing.T) {
	l := List{"d/b": by(two, Name), "d/a": by(one, Name), "e": by(one, Name)}
	assert.Equal(t, []string{"a", "b"}, l.Below("d").Names())
	// what sha256sum says to two lines, of 64 ones and of 64 twos
	assert.Equal(t, "sha256:7365ea48c8a3989cf164ca67f5d934c9a11269a628308b0fe529b6e4bc1c694d",
		l.Folder("d").String())
	assert.False(t, l.Folder("e").Given())
}

func FuzzAdd(f *testing.F) {
	for _, text := range []string{one + "  a\n", "\\" + one + " *a\\n\\\\\r\n# x\n", "SHA256 (a) = " + one, "SHA256()= " + one} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, list := range []string{"d/SHA256SUMS", "d/x.sha256"} {
			all := &Lists{}
			all.Add(list, text)
			all.Settle(func(string) bool { return false })
			for name, s := range all.List {
				assert.False(t, path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../"), name)
				assert.Len(t, s.Value, 64)
			}
			if !all.List["d/x"].Given() && len(all.Below("d/x")) == 0 {
				assert.NotEmpty(t, all.Doubt("d/x"))
			}
		}
	})
}
