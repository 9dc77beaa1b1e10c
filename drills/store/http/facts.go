package http

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// facts are what a server says of a file: enough to notice that it became another one.
type facts struct {
	size     int64 // bytes of the whole file; -1: not said
	modified time.Time
	etag     string
}

// factsOf an answer; of a part, size is that of the whole.
func factsOf(r *http.Response) facts {
	f := facts{size: r.ContentLength, etag: r.Header.Get("ETag")}
	if _, _, total, ok := contentRange(r); ok {
		f.size = total
	} else if r.StatusCode != http.StatusOK {
		f.size = -1 // of a part, or of a message
	}
	if at, err := http.ParseTime(r.Header.Get("Last-Modified")); err == nil {
		f.modified = at.UTC()
	}
	return f
}

// contentRange reads the header of that name (RFC 9110, 14.4): bytes first-last/total, or bytes */total, whose
// first and last are -1.
func contentRange(r *http.Response) (first, last, total int64, ok bool) {
	text, ok := strings.CutPrefix(r.Header.Get("Content-Range"), "bytes ")
	span, whole, cut := strings.Cut(text, "/")
	total, err := strconv.ParseInt(whole, 10, 64)
	if !ok || !cut || err != nil || total < 0 {
		return 0, 0, 0, false
	}
	if span == "*" {
		return -1, -1, total, true
	}
	from, to, cut := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	if !cut || err1 != nil || err2 != nil || first < 0 || last < first || last >= total {
		return 0, 0, 0, false
	}
	return first, last, total, true
}

// change tells in which way now is another file than f; "" when it is the same as far as can be known.
func (f facts) change(now facts) string {
	switch {
	case f.size >= 0 && now.size >= 0 && f.size != now.size:
		return fmt.Sprintf("it had %d bytes and has %d", f.size, now.size)
	case f.etag != "" && now.etag != "":
		if strings.TrimPrefix(f.etag, "W/") != strings.TrimPrefix(now.etag, "W/") {
			return fmt.Sprintf("its ETag was %.40s and is %.40s", f.etag, now.etag)
		}
		return ""
	case !f.modified.IsZero() && !now.modified.IsZero() && !f.modified.Equal(now.modified):
		return fmt.Sprintf("it was modified %s and then %s", f.modified.Format(time.RFC3339),
			now.modified.Format(time.RFC3339))
	}
	return ""
}

// strong is the ETag where it may stand in If-Range (RFC 9110, 13.1.5).
func (f facts) strong() string {
	if strings.HasPrefix(f.etag, `"`) {
		return f.etag
	}
	return ""
}
