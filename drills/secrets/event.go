package secrets

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
)

// Bounds of an event: what a restored system says may be of any length, and the journal is read whole.
const (
	longestText = 64 << 10 // bytes; more is cut
	longestList = 1000     // texts; of more the number is told
)

// HideEvent gives the data of an event without secrets and of a bearable length: everything that is written into a journal
// or told to whoever looks on goes through it.
func (s *Known) HideEvent(data any) any {
	if data == nil {
		return data
	}
	into := reflect.New(reflect.TypeOf(data)).Elem()
	into.Set(reflect.ValueOf(data))
	s.hideValue(into)
	return into.Interface()
}

// identifiers are the fields of events by which the parts of a record find each other. They come from the scenario or
// from the program, never from a restored system: a secret that is spelled like one does not break the record.
var identifiers = map[string]bool{"Name": true, "Kind": true, "On": true, "State": true, "Phase": true, "When": true, "ID": true,
	"Outcome": true, "Status": true, "Backup": true, "Instance": true, "Digest": true, "Profile": true, "FactsDigest": true, "Expected": true, "Path": true,
	"Protocol": true, "During": true, "Rule": true, "What": true}

func (s *Known) hideValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() { // named ones are the program's own words
			v.SetString(Shorten(s.Hide(v.String()), longestText))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !(identifiers[f.Name] && f.Type.Kind() == reflect.String) {
				s.hideValue(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.Type() == reflect.TypeFor[json.RawMessage]() {
				v.SetBytes([]byte(s.HideJSON(string(v.Bytes()))))
			}
			return
		}
		if texts, ok := v.Interface().([]string); ok && len(texts) > longestList {
			more := fmt.Sprintf("… and %d more", len(texts)-longestList)
			v.Set(reflect.ValueOf(append(slices.Clone(texts[:longestList]), more)))
		}
		if texts, ok := v.Interface().([]string); ok {
			v.Set(reflect.ValueOf(s.HideAll(texts)))
		}
		into := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(into, v)
		for i := range into.Len() {
			s.hideValue(into.Index(i))
		}
		if !v.IsNil() {
			v.Set(into)
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		into := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			one := reflect.New(v.Type().Elem()).Elem()
			one.Set(value)
			s.hideValue(one)
			into.SetMapIndex(key, one)
		}
		v.Set(into)
	case reflect.Pointer:
		if !v.IsNil() {
			into := reflect.New(v.Type().Elem())
			into.Elem().Set(v.Elem())
			s.hideValue(into.Elem())
			v.Set(into)
		}
	}
}

// HideJSON hides in the texts of a JSON value, so that it stays one; what is none is hidden as a text.
func (s *Known) HideJSON(line string) string {
	whole := s.Hide(line)
	if whole == line {
		return line
	}
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var v any
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if d.Decode(&v) != nil || d.More() || e.Encode(s.hideTree(v)) != nil {
		return whole
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (s *Known) hideTree(v any) any {
	switch v := v.(type) {
	case string:
		return s.Hide(v)
	case []any:
		for i := range v {
			v[i] = s.hideTree(v[i])
		}
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[s.Hide(key)] = s.hideTree(value)
		}
		return out
	}
	return v
}

// HideLines is hideJSON for a stream of lines.
func (s *Known) HideLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimSuffix(line, "\n")
		b.WriteString(s.HideJSON(body))
		b.WriteString(line[len(body):])
	}
	return b.String()
}

// HideFile takes the secrets out of a kept stream, line by line: a flow may print its own.
func (s *Known) HideFile(path string) error {
	if len(s.List()) == 0 {
		return nil
	}
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("hide secrets: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(path+".hidden", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("hide secrets: %w", err)
	}
	w := bufio.NewWriter(out)
	for r := bufio.NewReader(in); err == nil; {
		var line string
		line, err = r.ReadString('\n')
		if _, e := w.WriteString(s.HideLines(line)); e != nil {
			err = e
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err = errors.Join(err, w.Flush(), out.Close()); err == nil {
		err = os.Rename(path+".hidden", path)
	}
	if err != nil {
		return fmt.Errorf("hide secrets in %s: %w", path, errors.Join(err, os.Remove(path+".hidden")))
	}
	return nil
}

// Logger hides what it is told before it tells it on.
func (s *Known) Logger(to *slog.Logger) *slog.Logger {
	return slog.New(hidingHandler{to.Handler(), s})
}

type hidingHandler struct {
	slog.Handler
	secrets *Known
}

// Handle implements slog.Handler.
func (h hidingHandler) Handle(ctx context.Context, r slog.Record) error {
	hidden := slog.NewRecord(r.Time, r.Level, h.secrets.Hide(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		hidden.AddAttrs(h.secrets.hideAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, hidden)
}

// WithAttrs implements slog.Handler.
func (h hidingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	hidden := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		hidden[i] = h.secrets.hideAttr(a)
	}
	return hidingHandler{h.Handler.WithAttrs(hidden), h.secrets}
}

// WithGroup implements slog.Handler.
func (h hidingHandler) WithGroup(name string) slog.Handler {
	return hidingHandler{h.Handler.WithGroup(name), h.secrets}
}

func (s *Known) hideAttr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(s.Hide(v.String()))
	case slog.KindAny:
		if text := fmt.Sprint(v.Any()); s.Hide(text) != text {
			a.Value = slog.StringValue(s.Hide(text))
		}
	case slog.KindGroup:
		var inner []slog.Attr
		for _, in := range v.Group() {
			inner = append(inner, s.hideAttr(in))
		}
		a.Value = slog.GroupValue(inner...)
	}
	return a
}

// Shorten a text to n bytes of whole letters, and say so.
func Shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " …"
}
