package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/resp"
)

const pollLimit = 10 * time.Second // of one question

// begin starts the server and waits until it has read its data.
func (l *load) begin(ctx context.Context, password string) (*resp.Conn, error) {
	if err := l.machine.Start(ctx); err != nil {
		if bad, ok := errors.AsType[*instance.BootError](err); ok {
			return nil, l.ended(ctx, bad.Said())
		}
		return nil, err
	}
	began := time.Now()
	w := waiting{since: began}
	for {
		conn, err := l.ask(ctx, password, &w)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for the server on %s: %w (the last attempt: %w)", l.machine.Name(), context.Cause(ctx), err)
		}
		if s, e := l.machine.State(ctx); e == nil && !s.Running {
			return nil, l.ended(ctx, s.Ended())
		}
		switch resp.CodeOf(err) {
		case "NOAUTH", "WRONGPASS", "NOPERM":
			return nil, fmt.Errorf("ask the server on %s: %w (give restore.password what its settings ask for)", l.machine.Name(), err)
		}
		if time.Since(w.since) > l.set.Stall.Std() {
			return nil, fmt.Errorf("the load stands still: for %s the server read no more of its data, the last answer was: %w (raise restore.stall if it "+
				"takes long)", l.set.Stall.Std(), err)
		}
		if err := dump.Rest(ctx, began); err != nil {
			return nil, err
		}
	}
}

// waiting is for how long a server has not got on.
type waiting struct {
	since time.Time
	read  string // bytes that it had loaded
}

// ask tries a session with a server that has read all of its data.
func (l *load) ask(ctx context.Context, password string, w *waiting) (*resp.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	c, err := l.machine.Dial(ctx, l.set.Port)
	if err != nil {
		return nil, err
	}
	conn := resp.New(c)
	if err = conn.Login(ctx, "", password); err == nil {
		_, err = conn.Do(ctx, "PING")
	}
	if resp.CodeOf(err) == "LOADING" {
		if info, e := conn.Info(ctx, "persistence"); e == nil && info["loading_loaded_bytes"] != w.read {
			w.read, w.since = info["loading_loaded_bytes"], time.Now()
		}
	}
	if err != nil {
		_ = conn.Close() // another one follows
		return nil, err
	}
	return conn, nil
}
