// Command publisher is the rest of the world as the foreign application sees it: a site that publishes feeds. Whatever
// ends in .xml is a feed of three articles of its own, so that every reader can subscribe to one that nobody else has.
package main

import (
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"
)

const articles = 3

// published is the same in every drill.
var published = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func feed(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(r.PathValue("name"), ".xml")
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/atom+xml")
	site := "http://" + r.Host + "/"
	fmt.Fprintf(w, `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>%s</title><id>%s%[1]s</id><link href="%[2]s"/>`, name, site)
	for i := 1; i <= articles; i++ {
		day := published.AddDate(0, 0, i).Format(time.RFC3339)
		fmt.Fprintf(w, `<entry><title>%s, part %d</title><id>%s%[1]s/%[2]d</id><link href="%[3]s%[1]s/%[2]d"/><updated>%s</updated>`+
			`<content type="html">Paragraph %[2]d of %[1]s.</content></entry>`, name, i, site, day)
	}
	fmt.Fprint(w, "</feed>")
}

func main() {
	http.HandleFunc("GET /{name}", feed)
	log.Fatal(http.ListenAndServe(":8080", nil))
}
