package business

import (
	"bytes"
	"io"
)

// hiddenLines takes secrets out of lines before they are written: who is killed cannot do so afterwards.
type hiddenLines struct {
	to   io.Writer
	hide func(string) string // nil: nobody knows any
	rest []byte              // of a line that has not ended
}

// Write implements io.Writer.
func (h *hiddenLines) Write(p []byte) (int, error) {
	if h.hide == nil {
		return h.to.Write(p)
	}
	h.rest = append(h.rest, p...)
	end := bytes.LastIndexByte(h.rest, '\n') + 1
	if end == 0 && len(h.rest) <= maxLine {
		return len(p), nil
	}
	if end == 0 {
		end = len(h.rest) // the reader of the stream gives up, too
	}
	whole := h.hide(string(h.rest[:end]))
	h.rest = append([]byte(nil), h.rest[end:]...)
	if _, err := io.WriteString(h.to, whole); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush writes what has not ended.
func (h *hiddenLines) flush() error {
	if len(h.rest) == 0 {
		return nil
	}
	_, err := io.WriteString(h.to, h.hide(string(h.rest)))
	h.rest = nil
	return err
}
