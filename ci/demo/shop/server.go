package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// requestTimeout bounds what one request may wait for the database.
const requestTimeout = time.Second

// server speaks HTTP for the shop. A "no" of the business is an answer, 200 with ok false,
// as in many real APIs; only a missing log-in is 401 and a broken shop 500 or 503.
type server struct {
	shop *shop
	log  *slog.Logger
}

const frontPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<h1>Shop</h1><p>Welcome. <a href="/api/catalogue">See what is on sale.</a></p></html>
`

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(frontPage))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { // the process only
		reply(w, http.StatusOK, map[string]any{"ok": true, "release": release})
	})
	s.handle(mux, "GET /readyz", func(ctx context.Context, _ *http.Request) (map[string]any, error) {
		return map[string]any{}, s.shop.ready(ctx)
	})
	s.handle(mux, "POST /api/login", s.login)
	s.handle(mux, "GET /api/catalogue", func(ctx context.Context, _ *http.Request) (map[string]any, error) {
		found, err := s.shop.catalogue(ctx)
		return map[string]any{"products": found}, err
	})
	s.handle(mux, "POST /api/orders", s.place)
	s.handle(mux, "POST /api/orders/{id}/pay", s.pay)
	s.handle(mux, "GET /api/orders", func(ctx context.Context, r *http.Request) (map[string]any, error) {
		found, err := s.shop.history(ctx, token(r))
		return map[string]any{"orders": found}, err
	})
	return mux
}

func (s *server) login(ctx context.Context, r *http.Request) (map[string]any, error) {
	var body struct{ Name, Password string }
	if err := read(r, &body); err != nil {
		return nil, err
	}
	opened, err := s.shop.login(ctx, body.Name, body.Password)
	return map[string]any{"token": opened}, err
}

func (s *server) place(ctx context.Context, r *http.Request) (map[string]any, error) {
	var body struct {
		RequestKey string `json:"request_key"`
		Lines      []line
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	o, err := s.shop.place(ctx, token(r), body.RequestKey, body.Lines)
	return map[string]any{"order": o}, err
}

func (s *server) pay(ctx context.Context, r *http.Request) (map[string]any, error) {
	var body struct {
		AmountCents int64 `json:"amount_cents"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, refusal("no such order")
	}
	o, balance, err := s.shop.pay(ctx, token(r), id, body.AmountCents)
	return map[string]any{"order": o, "balance_cents": balance}, err
}

// handle gives every request its time and turns errors into answers.
func (s *server) handle(mux *http.ServeMux, pattern string,
	f func(context.Context, *http.Request) (map[string]any, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		body, err := f(ctx, r)
		var no refusal
		switch {
		case err == nil:
			body["ok"] = true
			reply(w, http.StatusOK, body)
		case errors.Is(err, errSignedOut):
			reply(w, http.StatusUnauthorized, map[string]any{"ok": false, "error": err.Error()})
		case errors.As(err, &no):
			reply(w, http.StatusOK, map[string]any{"ok": false, "error": no.Error()})
		case broken(err):
			s.log.Warn("the database does not serve", "request", pattern, "error", err)
			reply(w, http.StatusServiceUnavailable, map[string]any{"ok": false, "error": "temporarily out of service"})
		default:
			s.log.Error("the database refused a statement", "request", pattern, "error", err)
			reply(w, http.StatusInternalServerError, map[string]any{"ok": false, "error": "something went wrong"})
		}
	})
}

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the customer has gone: nobody is left to tell
}

func read(r *http.Request, into any) error {
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<10)).Decode(into); err != nil {
		return refusal("the body is not the JSON that this address takes")
	}
	return nil
}

func token(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
