package reports

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"lifeboat/drills/record"
)

//go:embed templates/page.html templates/page.css templates/nights.html
var templateFiles embed.FS

// pageTemplate is parsed once; a broken template is a broken build.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page.html").Funcs(template.FuncMap{
		"strong": strongParts,
		"q":      quantities,
		"odd":    func(i int) bool { return i%2 == 1 },
		"css":    cssText,
		"pct":    func(f float64) string { return fmt.Sprintf("%.1f", f) },
	}).ParseFS(templateFiles, "templates/page.html"))
})

// quantity is a number with its unit, or several of a length of time, and how it is to be compared: "≥ 1 h 4 min 52.9 s".
var quantity = regexp.MustCompile(`([≥<] |&lt; )?\d[\d.,]*( (h|min|s|d|小时|分|秒|天|[kMGTP]?B(/s|/秒)?)\b| (小时|分|秒|天))` +
	`( \d[\d.,]*( (h|min|s|d)\b| (小时|分|秒|天)))*`)

// quantities escapes a text and keeps its figures from being broken at the end of a line.
func quantities(s string) template.HTML {
	return template.HTML(quantity.ReplaceAllString(template.HTMLEscapeString(s), `<span class="q">$0</span>`))
}

// cssText quotes a text for the margin of a page; the template would take what has a colon in it for an address.
func cssText(s string) template.CSS {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == ' ' || unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\%x `, r)
		}
	}
	return template.CSS(`"` + b.String() + `"`)
}

// page is what the template sees.
type page struct {
	document
	CSS    template.CSS
	Narrow *timeline // the same drawing for a phone
	After  string    // the word after the number of all pages
	Page   string    // the word before a page's number
}

// HTML writes one page that needs nothing from anywhere: no script, no font, no image, no
// address. It is well-formed XML too, prints on A4 with numbered pages, and turns its tables
// into cards where there is no room for them.
func HTML(w io.Writer, r *record.Record, v record.Verdict, o Options) error {
	a := author{c: Messages(), l: o.Language.known(), r: r, v: v, o: o}
	return newDocument(r, v, o).html(w, a.timeline(370))
}

// html draws a document; narrow is its timeline for a phone, nil where it has none.
func (d document) html(w io.Writer, narrow *timeline) error {
	css, err := templateFiles.ReadFile("templates/page.css")
	if err != nil {
		return fmt.Errorf("read the page's style: %w", err)
	}
	p := page{
		document: d, CSS: template.CSS(css), Narrow: narrow,
		Page: Messages().Label(d.Lang, "page", nil), After: Messages().Label(d.Lang, "page_after", nil),
	}
	var b bytes.Buffer // a page is whole or not written at all
	if err := pageTemplate().Execute(&b, p); err != nil {
		return fmt.Errorf("draw the page: %w", err)
	}
	_, err = io.WriteString(w, printable(b.String()))
	return err
}
