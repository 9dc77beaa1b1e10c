package qemu

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
)

// agent is a client of the QEMU guest agent over virtio-serial: one request at a time, and a
// connection that is made anew, and synchronised, after every error.
// https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
type agent struct {
	dial     func(ctx context.Context) (net.Conn, error)
	patience time.Duration // to synchronise with it

	mu   sync.Mutex
	c    net.Conn
	r    *bufio.Reader
	idle *time.Timer
}

const (
	agentSync = 5 * time.Second // to synchronise with an agent that is there
	// The channel takes one caller at a time. Whoever is done leaves, so that the process that heals a
	// fault gets in; it waits longer than that.
	agentIdle  = time.Second
	agentQueue = 20 * time.Second
	agentLimit = 60 * time.Second      // of one request; none of ours waits in the guest
	execFirst  = 20 * time.Millisecond // until a command is asked for its end the first time
	execPoll   = time.Second           // and at most: each question costs an emulated guest some 30 ms
	fileChunk  = 1 << 20
	inputMost  = 4 << 20 // bytes of standard input that travel in one request
	// agentLine: bytes of one answer. The agent keeps 16 MiB of each output of a command (qga/commands.c,
	// GUEST_EXEC_MAX_OUTPUT), which travel as base64.
	agentLine = 48 << 20
	agentWord = 4 << 10 // bytes of the answer that synchronises
)

// errNoAgent: nobody in the guest answers.
var errNoAgent = errors.New("the guest agent does not answer")

// do runs one command. Answers of the agent itself are *refusal.
func (g *agent) do(ctx context.Context, command string, arguments, result any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.idle != nil {
		g.idle.Stop()
	}
	if g.c == nil {
		if err := g.connect(ctx); err != nil {
			return fmt.Errorf("%w: %w", errNoAgent, err)
		}
	}
	defer func() { g.idle = time.AfterFunc(agentIdle, g.close) }()
	line, err := json.Marshal(struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
	}{command, arguments})
	if err != nil {
		return err
	}
	var a answer
	if err := g.exchange(ctx, append(line, '\n'), &a); err != nil {
		g.drop()
		return fmt.Errorf("agent %s: %w", command, err)
	}
	if a.Error != nil {
		return fmt.Errorf("agent %s: %w", command, a.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(a.Return, result)
}

func (g *agent) exchange(ctx context.Context, line []byte, a *answer) error {
	end := time.Now().Add(agentLimit)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	c := g.c // which is dropped when this fails, while the deadline may still be on its way
	_ = c.SetDeadline(end)
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.Write(line); err != nil {
		return err
	}
	reply, err := lineOf(g.r, agentLine)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return json.Unmarshal(bytes.TrimLeft(reply, "\xff"), a)
}

// connect flushes the agent's parser (0xFF) and what it had still to say (guest-sync-delimited).
func (g *agent) connect(ctx context.Context) error {
	c, err := g.dial(ctx)
	if err != nil {
		return err
	}
	end := time.Now().Add(g.patience)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	_ = c.SetDeadline(end)
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	id := rand.Int64N(1 << 52)
	r := bufio.NewReader(c)
	_, err = fmt.Fprintf(c, "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%d}}\n", id)
	for err == nil {
		if err = skip(r, 0xff); err != nil {
			break
		}
		var line []byte
		line, err = lineOf(r, agentWord)
		var m struct{ Return int64 }
		if err == nil && json.Unmarshal(line, &m) == nil && m.Return == id {
			g.c, g.r = c, r
			return nil
		}
	}
	_ = c.Close()
	return err
}

// lineOf reads a line of at most so many bytes. Who sends it is part of what was restored: it may never end.
func lineOf(r *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > most {
			return nil, fmt.Errorf("its answer is longer than %d bytes", most)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// skip reads up to a byte and keeps nothing.
func skip(r *bufio.Reader, end byte) error {
	for {
		if _, err := r.ReadSlice(end); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (g *agent) drop() {
	if g.c != nil {
		_ = g.c.Close()
		g.c, g.r = nil, nil
	}
}

func (g *agent) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop()
}

// version of the agent; an error when it does not let commands be run: some distributions forbid guest-exec.
func (g *agent) version(ctx context.Context) (string, error) {
	var info struct {
		Version  string
		Commands []struct {
			Name    string `json:"name"`
			Enabled bool   `json:"enabled"`
		} `json:"supported_commands"`
	}
	if err := g.do(ctx, "guest-info", nil, &info); err != nil {
		return "", err
	}
	for _, c := range info.Commands {
		if c.Name == "guest-exec" && !c.Enabled {
			return info.Version, errors.New("the guest agent is there and forbids guest-exec")
		}
	}
	return info.Version, nil
}

// spawn starts a command and returns its process id.
func (g *agent) spawn(ctx context.Context, c instance.Command, input []byte) (pid int64, err error) {
	args := map[string]any{"path": c.Args[0], "arg": c.Args[1:], "capture-output": true}
	var env []string
	for k, v := range c.Env {
		env = append(env, k+"="+v)
	}
	if len(env) > 0 {
		args["env"] = append(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	if input != nil {
		args["input-data"] = base64.StdEncoding.EncodeToString(input)
	}
	var started struct{ PID int64 }
	err = g.do(ctx, "guest-exec", args, &started)
	return started.PID, err
}

// status of a spawned command; done is false while it runs.
func (g *agent) status(ctx context.Context, pid int64) (r instance.Result, done bool, err error) {
	var s struct {
		Exited   bool   `json:"exited"`
		ExitCode int    `json:"exitcode"`
		Signal   int    `json:"signal"`
		Out      []byte `json:"out-data"`
		Err      []byte `json:"err-data"`
	}
	if err := g.do(ctx, "guest-exec-status", map[string]any{"pid": pid}, &s); err != nil {
		return instance.Result{}, false, err
	}
	const shellSignal = 128 // as a shell reports a signal
	if s.Signal != 0 {
		s.ExitCode = shellSignal + s.Signal
	}
	return instance.Result{Exit: s.ExitCode, Stdout: string(s.Out), Stderr: string(s.Err)}, s.Exited, nil
}

// read reads one file; fs.ErrNotExist when there is none.
func (g *agent) read(ctx context.Context, name string) ([]byte, error) {
	var handle int64
	if err := g.do(ctx, "guest-file-open", map[string]any{"path": name, "mode": "r"}, &handle); err != nil {
		var no *refusal
		if errors.As(err, &no) && strings.Contains(no.Desc, "No such file") {
			return nil, fs.ErrNotExist
		}
		return nil, err
	}
	defer func() {
		_ = g.do(context.WithoutCancel(ctx), "guest-file-close", map[string]any{"handle": handle}, nil)
	}()
	var all []byte
	for {
		var part struct {
			Data []byte `json:"buf-b64"`
			EOF  bool   `json:"eof"`
		}
		err := g.do(ctx, "guest-file-read", map[string]any{"handle": handle, "count": fileChunk}, &part)
		if err != nil {
			return nil, err
		}
		all = append(all, part.Data...)
		if part.EOF || len(part.Data) == 0 {
			return all, nil
		}
		if len(all) > getLimit {
			return nil, fmt.Errorf("it is longer than %d bytes", getLimit)
		}
	}
}

// write writes one file.
func (g *agent) write(ctx context.Context, name string, content []byte) error {
	var handle int64
	if err := g.do(ctx, "guest-file-open", map[string]any{"path": name, "mode": "w"}, &handle); err != nil {
		return err
	}
	for len(content) > 0 {
		n := min(len(content), fileChunk)
		part := base64.StdEncoding.EncodeToString(content[:n])
		if err := g.do(ctx, "guest-file-write", map[string]any{"handle": handle, "buf-b64": part}, nil); err != nil {
			return err
		}
		content = content[n:]
	}
	return g.do(ctx, "guest-file-close", map[string]any{"handle": handle}, nil)
}
