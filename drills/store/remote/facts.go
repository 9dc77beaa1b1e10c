package remote

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Facts are what a server says of a file: enough to notice that it became another one.
type Facts struct {
	Size     int64 // bytes of the whole file; -1: not said
	Modified time.Time
	ETag     string
}

// FactsOf an answer; of a part, size is that of the whole.
func FactsOf(r *http.Response) Facts {
	f := Facts{Size: r.ContentLength, ETag: r.Header.Get("ETag")}
	if _, _, total, ok := ContentRange(r.Header); ok {
		f.Size = total
	} else if r.StatusCode != http.StatusOK {
		f.Size = -1 // of a part, or of a message
	}
	if at, err := http.ParseTime(r.Header.Get("Last-Modified")); err == nil {
		f.Modified = at.UTC()
	}
	return f
}

// ContentRange reads the header of that name (RFC 9110, 14.4): bytes first-last/total, or bytes */total, whose
// first and last are -1.
func ContentRange(h http.Header) (first, last, total int64, ok bool) {
	text, ok := strings.CutPrefix(h.Get("Content-Range"), "bytes ")
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

// Change tells in which way now is another file than f; "" when it is the same as far as can be known.
func (f Facts) Change(now Facts) string {
	switch {
	case f.Size >= 0 && now.Size >= 0 && f.Size != now.Size:
		return fmt.Sprintf("it had %d bytes and has %d", f.Size, now.Size)
	case f.ETag != "" && now.ETag != "" && strings.TrimPrefix(f.ETag, "W/") != strings.TrimPrefix(now.ETag, "W/"):
		return fmt.Sprintf("its ETag was %.40s and is %.40s", f.ETag, now.ETag)
	case f.ETag != "" && f.ETag == now.ETag && !strings.HasPrefix(f.ETag, "W/"):
		return "" // a weak one may stay when bytes change (RFC 9110, 8.8.1)
	case !f.Modified.IsZero() && !now.Modified.IsZero() && !f.Modified.Equal(now.Modified):
		return fmt.Sprintf("it was modified %s and then %s", f.Modified.Format(time.RFC3339),
			now.Modified.Format(time.RFC3339))
	}
	return ""
}

// Strong is the ETag where it may stand in If-Range (RFC 9110, 13.1.5).
func (f Facts) Strong() string {
	if strings.HasPrefix(f.ETag, `"`) {
		return f.ETag
	}
	return ""
}

// MostSize in bytes of a file that is read at any offset; what claims more is no disk image.
const MostSize = 64 << 40
