// Package etcdgate asks a server of etcd by its gateway (JSON over HTTP, from 3.4 on) over any connection: how many keys there are, and
// at which revision. It is the part that lifeboat needs, and never reads a value.
package etcdgate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	mostAnswer = 1 << 20
	askLimit   = 30 * time.Second // of one question
)

// Error is the server's own word.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

// Login tells whether the server wants, or does not take, a user and a password.
func (e *Error) Login() bool {
	return slices.ContainsFunc([]string{"user name is empty", "authentication failed", "invalid auth token", "permission denied",
		"authentication is not enabled"}, func(said string) bool { return strings.Contains(e.Text, said) })
}

// Server is one that is asked; each question has a connection of its own.
type Server struct {
	http  http.Client
	token string
}

// New asks over connections that dial makes.
func New(dial func(ctx context.Context) (net.Conn, error)) *Server {
	return &Server{http: http.Client{Timeout: askLimit, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}}}
}

// Login takes a token for what is asked afterwards. *Error: the server's word.
func (s *Server) Login(ctx context.Context, user, password string) error {
	var answer struct{ Token string }
	if err := s.ask(ctx, "/v3/auth/authenticate", map[string]string{"name": user, "password": password}, &answer); err != nil {
		return err
	}
	s.token = answer.Token
	return nil
}

// Count is how many keys begin with a prefix, all of them where it is empty, and the revision that the server is at.
func (s *Server) Count(ctx context.Context, prefix string) (keys, revision int64, err error) {
	key, end := []byte(prefix), after(prefix)
	if prefix == "" {
		key = []byte{0}
	}
	return s.count(ctx, key, end)
}

// Has tells whether there is a key.
func (s *Server) Has(ctx context.Context, key string) (bool, error) {
	keys, _, err := s.count(ctx, []byte(key), nil)
	return keys > 0, err
}

// after is the first key behind all that begin with a prefix; one zero byte: there is none.
func after(prefix string) []byte {
	for end := []byte(prefix); len(end) > 0; end = end[:len(end)-1] {
		if last := len(end) - 1; end[last] < 0xff {
			end[last]++
			return end
		}
	}
	return []byte{0}
}

func (s *Server) count(ctx context.Context, key, end []byte) (keys, revision int64, err error) {
	var answer struct {
		Header struct {
			Revision int64 `json:",string"`
		}
		Count int64 `json:",string"`
	}
	// Of a range that is only counted no value is sent.
	err = s.ask(ctx, "/v3/kv/range", map[string]any{"key": key, "range_end": end, "count_only": true}, &answer)
	if err == nil && answer.Header.Revision == 0 {
		err = fmt.Errorf("its answer has no revision")
	}
	return answer.Count, answer.Header.Revision, err
}

func (s *Server) ask(ctx context.Context, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://etcd"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if s.token != "" {
		r.Header.Set("Authorization", s.token)
	}
	got, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(got.Body, mostAnswer))
	if err != nil {
		return err
	}
	if got.StatusCode != http.StatusOK {
		var said struct{ Error, Message string }
		if err := json.Unmarshal(raw, &said); err != nil || said.Error+said.Message == "" {
			return fmt.Errorf("it answers with status %d", got.StatusCode)
		}
		return &Error{Text: max(said.Error, said.Message)}
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("its answer is none of etcd's gateway: %w", err)
	}
	return nil
}
