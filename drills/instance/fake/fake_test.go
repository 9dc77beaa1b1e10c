package fake_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/instance/instancetest"
)

func TestSuite(t *testing.T) {
	instancetest.Run(t, instancetest.Subject{Image: "guest", Guest: []string{"guest"},
		Break: func(_ *testing.T, _ instancetest.Bench, m instance.Machine) { m.(*fake.Machine).Break() },
		Tear:  func(_ *testing.T, b instancetest.Bench, name string) { b.Driver.(*fake.Driver).TearAhead(name) },
		New: func(t *testing.T) instancetest.Bench {
			site, notes := instancetest.NewSite(t, "fake-drill", nil)
			d := fake.New(site, &fake.World{Images: map[string]fake.Script{"guest": guest()}, Program: program})
			t.Cleanup(func() {
				notes.UndoAll(t, site.Scope, d.Undoers())
				assert.Empty(t, d.Left())
			})
			return instancetest.Bench{Driver: d, Site: site, Notes: notes, Undoers: d.Undoers()}
		}})
}

// guest is the suite's image as a script.
func guest() fake.Script {
	return fake.Script{
		Up: func(_ context.Context, m *fake.Machine) error {
			args := m.Request().Entrypoint
			if args[1] == "exit" {
				m.Print("giving up\n")
				return errors.New("it ended at once: exit code " + args[2])
			}
			m.Serve(instancetest.Port, echo)
			return nil
		},
		Down: func(m *fake.Machine) { m.Print("stopping in an orderly way\n") },
		Exec: command,
	}
}

func echo(c net.Conn) {
	defer c.Close()
	for s := bufio.NewScanner(c); s.Scan(); {
		fmt.Fprintln(c, "echo", s.Text())
	}
}

func command(ctx context.Context, m *fake.Machine, c instance.Command) (r instance.Result, err error) {
	args := c.Args[2:]
	switch c.Args[1] {
	case "echo":
		r.Stdout = strings.Join(args, " ") + "\n"
	case "complain":
		r.Exit, _ = strconv.Atoi(args[0])
		r.Stderr = args[1] + "\n"
	case "env":
		r.Stdout = m.Request().Env[args[0]] + c.Env[args[0]] + "\n"
	case "cat":
		b, _ := io.ReadAll(c.Stdin)
		if r.Stdout = string(b); len(b) == 0 {
			r.Exit = 3
		}
	case "write":
		m.WriteFile(args[0], []byte(args[1]))
	case "read":
		b, err := m.Get(ctx, args[0])
		if errors.Is(err, fs.ErrNotExist) {
			r.Exit = 1
		}
		r.Stdout = string(b)
	case "sleep":
		<-ctx.Done()
		return r, ctx.Err()
	case "spam":
		r.Stdout = strings.Repeat("x", 1<<20)
	}
	return r, nil
}

func program(ctx context.Context, p instance.Program) (int, error) {
	if p.Args[1] == "read" {
		_, err := p.Stdout.Write(p.Files[p.Args[2]])
		return 0, err
	}
	<-ctx.Done()
	return 0, nil
}

func TestHoursPassInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, _ := instancetest.NewSite(t, "bubble", nil)
		d := fake.New(site, &fake.World{Images: map[string]fake.Script{"slow": {BootTime: 2 * time.Hour}}})
		began := time.Now()
		m, err := d.Boot(t.Context(), instance.Request{Name: "db", Generation: 1, Image: "slow"})
		require.NoError(t, err)
		assert.Equal(t, 2*time.Hour, time.Since(began))
		d.Machine("db").Crash(instance.State{Exit: 137, Reason: "killed for want of memory"})
		s, err := m.State(t.Context())
		require.NoError(t, err)
		assert.Equal(t, instance.State{Exit: 137, Reason: "killed for want of memory"}, s)
	})
}
