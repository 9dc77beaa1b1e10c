// Package resp speaks the protocol of Redis and Valkey (RESP, version 2) over any connection: commands out, answers in.
// It is the part that lifeboat needs, which is less than a client: no pool, no cluster, no retry.
package resp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Limits of an answer: what is larger is refused before it is held.
const (
	mostBytes  = 64 << 20
	mostItems  = 1 << 20
	mostLine   = 64 << 10
	mostNested = 8
)

// Error is the server's own word, such as LOADING or NOAUTH.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

// Code is the first word of an error: ERR, LOADING, NOAUTH, WRONGPASS, NOPERM …
func (e *Error) Code() string {
	code, _, _ := strings.Cut(e.Text, " ")
	return code
}

// CodeOf an error; "": it is not the server's.
func CodeOf(err error) string {
	if own, ok := errors.AsType[*Error](err); ok {
		return own.Code()
	}
	return ""
}

// Conn is one session; used from one goroutine.
type Conn struct {
	net net.Conn
	in  *bufio.Reader
}

// New speaks over a connection, which Close closes.
func New(c net.Conn) *Conn { return &Conn{net: c, in: bufio.NewReaderSize(c, mostLine)} }

// Close ends the session.
func (c *Conn) Close() error { return c.net.Close() }

// Do asks one command. The answer is a string, an int64, a []any of answers, or nil; an answer within a list may be an
// *Error, one that stands alone is the error.
func (c *Conn) Do(ctx context.Context, args ...string) (any, error) {
	all, err := c.Pipe(ctx, [][]string{args})
	if err != nil {
		return nil, err
	}
	if own, ok := all[0].(*Error); ok {
		return nil, own
	}
	return all[0], nil
}

// Pipe asks several commands at once. Answers are in their order, each as that of Do, errors of the server among them.
func (c *Conn) Pipe(ctx context.Context, commands [][]string) ([]any, error) {
	if err := c.net.SetDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("set the time of a question: %w", err)
	}
	// Not the context's own deadline: the connection could end by it a moment before the context has, and nobody would know why.
	stop := context.AfterFunc(ctx, func() { _ = c.net.SetDeadline(time.Unix(1, 0)) }) // fails only once it is closed
	defer stop()
	var out []byte
	for _, args := range commands {
		out = fmt.Appendf(out, "*%d\r\n", len(args))
		for _, a := range args {
			out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(a), a)
		}
	}
	all, err := c.exchange(out, len(commands))
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return all, err
}

func (c *Conn) exchange(out []byte, n int) ([]any, error) {
	if _, err := c.net.Write(out); err != nil {
		return nil, err
	}
	all := make([]any, n)
	for i := range all {
		var err error
		if all[i], err = c.answer(0); err != nil {
			return nil, err
		}
	}
	return all, nil
}

var errProtocol = errors.New("the answer is not one of Redis")

func (c *Conn) answer(depth int) (any, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil || len(line) < 3 {
		return nil, unended(err)
	}
	kind, text := line[0], strings.TrimSuffix(string(line[1:len(line)-1]), "\r")
	if kind == '+' {
		return text, nil
	}
	if kind == '-' {
		return &Error{text}, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, errProtocol
	case kind == ':':
		return n, nil
	case n == -1 && (kind == '$' || kind == '*'):
		return nil, nil
	case kind == '$' && n >= 0 && n <= mostBytes:
		p := make([]byte, n+2)
		if _, err := io.ReadFull(c.in, p); err != nil {
			return nil, unended(err)
		}
		return string(p[:n]), nil
	case kind == '*' && n >= 0 && n <= mostItems && depth < mostNested:
		list := make([]any, n)
		for i := range list {
			if list[i], err = c.answer(depth + 1); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, errProtocol
}

// unended is why an answer did not come to its end.
func unended(err error) error {
	switch {
	case errors.Is(err, bufio.ErrBufferFull), err == nil:
		return errProtocol
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// Login says the password, if there is one.
func (c *Conn) Login(ctx context.Context, user, password string) error {
	if password == "" {
		return nil
	}
	args := []string{"AUTH", password}
	if user != "" {
		args = []string{"AUTH", user, password}
	}
	_, err := c.Do(ctx, args...)
	return err
}

// Info asks for a section of INFO: its lines NAME:VALUE.
func (c *Conn) Info(ctx context.Context, section string) (map[string]string, error) {
	answer, err := c.Do(ctx, "INFO", section)
	if err != nil {
		return nil, err
	}
	text, _ := answer.(string)
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all, nil
}

// Keyspace is the number of keys of each database that holds some, by its number.
func (c *Conn) Keyspace(ctx context.Context) (map[int]int64, error) {
	info, err := c.Info(ctx, "keyspace")
	if err != nil {
		return nil, err
	}
	all := map[int]int64{}
	for name, value := range info { // db0:keys=3,expires=1,avg_ttl=0
		var n, keys int64
		if _, err := fmt.Sscanf(name, "db%d", &n); err != nil {
			continue
		}
		if _, err := fmt.Sscanf(value, "keys=%d", &keys); err != nil {
			return nil, fmt.Errorf("read the number of keys of database %d: %q", n, value)
		}
		all[int(n)] = keys
	}
	return all, nil
}
