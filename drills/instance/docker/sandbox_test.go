package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/internal/sandbox"
)

func serving(name string) instance.Request {
	return instance.Request{Name: name, Generation: 1, Image: built.image, Entrypoint: []string{"/guest", "serve", "7000"}}
}

// leaky is an executable whose sandbox says what a test wants it to say.
func leaky(t *testing.T, lines ...string) *io.SectionReader {
	t.Helper()
	dir := t.TempDir()
	src := "package main\n\nimport (\"fmt\"; \"time\")\n\nfunc main() {\n"
	for _, l := range lines {
		src += fmt.Sprintf("\tfmt.Println(%q)\n", l)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(src+"\ttime.Sleep(time.Minute)\n}\n"), 0o600))
	out := filepath.Join(dir, "leaky")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", out, filepath.Join(dir, "main.go"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	b, err := cmd.CombinedOutput()
	require.NoError(t, err, string(b))
	program, err := os.ReadFile(out)
	require.NoError(t, err)
	return instancetest.Executable(program)
}

// What does not prove the seal must not boot: the image is not even created.
func TestNothingBootsInAnOpenSandbox(t *testing.T) {
	t.Parallel()
	line := func(probe string) string { return `{"event":"probe","probe":{` + probe + `}}` }
	const ready = `{"event":"ready"}`
	control := line(`"target":"control","address":"a","protocol":"tcp","control":true,"reached":true`)
	for name, c := range map[string]struct {
		lines []string
		leak  bool
		says  string
		ahead bool // it is sealed before it is wanted
	}{
		"a way out": {[]string{control, line(`"target":"host","address":"192.0.2.2:1","reached":true`), ready},
			true, "192.0.2.2:1", false},
		"a way out, ahead": {[]string{control, line(`"target":"host","address":"192.0.2.2:1","reached":true`), ready},
			true, "192.0.2.2:1", true},
		"control failed": {[]string{line(`"target":"control","protocol":"tcp","control":true,"detail":"refused"`), ready},
			false, "refused", false},
		"no probe at all": {[]string{ready}, false, "prove nothing", false},
		"rules refused":   {[]string{`{"event":"error","error":"write packet filter rules: no"}`}, false, "packet filter", false},
		"nonsense":        {[]string{"panic: oh"}, false, "read the sandbox's output", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, notes := newBench(t)
			d.site.Program = leaky(t, c.lines...)
			image, err := d.sandboxImage(t.Context())
			require.NoError(t, err)
			defer func() {
				notes.UndoAll(t, d.site.Scope, Undoers(d.log))
				_, _ = d.engine.client.ImageRemove(context.Background(), image, client.ImageRemoveOptions{})
			}()
			if c.ahead {
				d.SealAhead(t.Context(), []instance.Place{{Instance: "db"}})()
			}
			probes := len(notes.Probes())
			_, err = d.Boot(t.Context(), serving("db"))
			require.ErrorContains(t, err, c.says)
			if c.ahead {
				assert.Len(t, notes.Probes(), probes, "what was proved open is not tried again")
			}
			var leak *instance.LeakError
			assert.Equal(t, c.leak, errors.As(err, &leak))
			assert.False(t, errors.As(err, new(*instance.BootError)))
			left, err := d.engine.Leftovers(t.Context(), d.site.Scope.Drill)
			require.NoError(t, err)
			require.Len(t, left, 1, "only the network: another try finds the name free")
			for _, e := range notes.Entries() {
				assert.NotEqual(t, d.name("db", "1"), e.Name, "the restored container was never made")
			}
		})
	}
}

func TestTenDrillsAtOnce(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	subnets := map[string]bool{}
	began := time.Now()
	for range 10 {
		d, notes := newBench(t)
		wg.Go(func() {
			m, err := d.Boot(t.Context(), serving("db"))
			if !assert.NoError(t, err) {
				return
			}
			r, err := m.Exec(t.Context(), instance.Command{Args: []string{"/guest", "echo", "up"}})
			assert.NoError(t, err)
			assert.Equal(t, "up\n", r.Stdout)
			for _, p := range notes.Probes() {
				assert.Equal(t, p.Control, p.Reached, "%+v", p)
			}
			mu.Lock()
			subnets[d.net.subnet.String()] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	t.Logf("ten drills sealed and booted in %v", time.Since(began).Round(time.Millisecond))
	assert.Len(t, subnets, 10)
}

func TestMachinesReachEachOtherByName(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	ctx := t.Context()
	r := serving("db")
	r.Aliases = []string{"db.prod.example.com"}
	_, err := d.Boot(ctx, r)
	require.NoError(t, err)
	app, err := d.Boot(ctx, serving("app"))
	require.NoError(t, err)
	for _, name := range []string{"db", "db.prod.example.com"} {
		got, err := app.Exec(ctx, instance.Command{Args: []string{"/guest", "dial", "tcp", name + ":7000", "hello\n"}})
		require.NoError(t, err)
		assert.Contains(t, got.Stdout, "echo hello", name)
	}
	var out strings.Builder
	p, err := d.Run(ctx, instance.Program{Name: "k6", Binary: built.guest, Args: []string{"dial", "tcp",
		"db.prod.example.com:7000", "hello\n"}, Stdout: &out})
	require.NoError(t, err)
	exit, err := p.Wait(ctx)
	require.NoError(t, err)
	assert.Equal(t, 0, exit, out.String())
	assert.Contains(t, out.String(), "echo hello", "a program stands where a customer stands")
	out.Reset()
	p, err = d.Run(ctx, instance.Program{Name: "offline", Binary: built.guest, Args: []string{"dial", "tcp",
		"db.prod.example.com:7000", "hello\n"}, Stdout: &out, Decoy: decoy.Silent})
	require.NoError(t, err)
	exit, err = p.Wait(ctx)
	require.NoError(t, err)
	assert.NotEqual(t, 0, exit, "nothing answers there: %s", out.String())
	out.Reset()
	p, err = d.Run(ctx, instance.Program{Name: "out", Binary: built.guest, Args: []string{"dial", "tcp",
		"203.0.113.5:80", "x"}, Stdout: &out})
	require.NoError(t, err)
	exit, err = p.Wait(ctx)
	require.NoError(t, err)
	assert.NotEqual(t, 0, exit, "and is sealed like the others: %s", out.String())
	facts, err := d.Egress(ctx)
	require.NoError(t, err)
	require.Len(t, facts, 1)
	assert.Equal(t, "203.0.113.5:80", facts[0].Target)
}

func TestTheAddressStays(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	ctx := t.Context()
	_, err := d.Boot(ctx, serving("db"))
	require.NoError(t, err)
	before := d.slots["db"].sandbox
	r := serving("db")
	r.Generation = 2
	_, err = d.Boot(ctx, r)
	require.NoError(t, err)
	assert.Same(t, before, d.slots["db"].sandbox, "a new generation boots in the same sandbox")
	_, err = d.engine.client.ContainerKill(ctx, before.id, client.ContainerKillOptions{})
	require.NoError(t, err)
	r.Generation = 3
	m, err := d.Boot(ctx, r)
	require.NoError(t, err, "a sandbox that died is sealed anew")
	after := d.slots["db"].sandbox
	assert.NotEqual(t, before.id, after.id)
	assert.Equal(t, before.address, after.address)
	dialled(t, m)
}

// dialled connects to a serving guest, once it listens.
func dialled(t *testing.T, m instance.Machine) net.Conn {
	t.Helper()
	var c net.Conn
	require.Eventually(t, func() (up bool) {
		var err error
		c, err = m.Dial(t.Context(), 7000)
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestOnlyWhatIsAllowedGetsOut(t *testing.T) {
	t.Parallel()
	host, err := listenOnHost()
	require.NoError(t, err)
	defer host.Close()
	closed, err := listenOnHost()
	require.NoError(t, err)
	defer closed.Close()
	d, _ := newBench(t)
	address := host.addresses()[0].String()
	allowed, forbidden := fmt.Sprintf("%s:%d", address, host.port), fmt.Sprintf("%s:%d", address, closed.port)
	r := serving("app")
	r.Allow = []string{allowed}
	m, err := d.Boot(t.Context(), r)
	require.NoError(t, err)
	got, err := m.Exec(t.Context(), instance.Command{Args: []string{"/guest", "dial", "tcp", allowed}})
	require.NoError(t, err)
	assert.Contains(t, got.Stdout, host.secret)
	got, err = m.Exec(t.Context(), instance.Command{Args: []string{"/guest", "dial", "tcp", forbidden}})
	require.NoError(t, err)
	assert.NotContains(t, got.Stdout, closed.secret)
	assert.NotEqual(t, 0, got.Exit)
}

func TestLimitsAndVolumes(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	ctx := t.Context()
	r := serving("db")
	r.Data, r.Memory, r.CPUs = []string{"/data"}, 64<<20, 0.5
	m, err := d.Boot(ctx, r)
	require.NoError(t, err)
	i, err := d.engine.client.ContainerInspect(ctx, m.(*Machine).Handle(), client.ContainerInspectOptions{})
	require.NoError(t, err)
	h := i.Container.HostConfig
	assert.EqualValues(t, 64<<20, h.Memory)
	assert.Equal(t, h.Memory, h.MemorySwap)
	assert.EqualValues(t, defaultPids, *h.PidsLimit)
	assert.EqualValues(t, 50000, h.CPUQuota)
	assert.Contains(t, h.SecurityOpt, "no-new-privileges:true")
	assert.Equal(t, []string{"ALL"}, h.CapDrop)
	require.Len(t, i.Container.Mounts, 1)
	got, err := m.Exec(ctx, instance.Command{Args: []string{"/guest", "eat", "200"}})
	require.NoError(t, err)
	assert.Equal(t, 137, got.Exit, "more memory than the limit is not to be had")
}

// A cancelled command must not go on: it could still write into the machine.
func TestACancelledCommandIsDead(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	m, err := d.Boot(t.Context(), serving("db"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = m.Exec(ctx, instance.Command{Args: []string{"/guest", "sleep", "1h"}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	top, err := d.engine.client.ContainerTop(t.Context(), m.(*Machine).Handle(), client.ContainerTopOptions{})
	require.NoError(t, err)
	assert.Len(t, top.Processes, 1, "only the server is left: %v", top.Processes)
}

// Before a decoy every name and every port answers, over TLS too, and nobody else is there.
func TestProgramBeforeADecoy(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	for name, c := range map[string]struct {
		kind decoy.Kind
		args []string
		says string
	}{
		"an error, by name":         {decoy.Failing, []string{"dial", "tcp", "shop.prod.example.com:8080", "GET / HTTP/1.0\r\n\r\n"}, "500"},
		"an empty page, by address": {decoy.Empty, []string{"dial", "tcp", "10.1.2.3:80", "GET / HTTP/1.0\r\n\r\n"}, "200 OK"},
		"on the loopback":           {decoy.Empty, []string{"dial", "tcp", "localhost:9", "GET / HTTP/1.0\r\n\r\n"}, "200 OK"},
		"over IPv6":                 {decoy.Empty, []string{"dial", "tcp", "[2001:db8::7]:80", "GET / HTTP/1.0\r\n\r\n"}, "200 OK"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			p, err := d.Run(t.Context(), instance.Program{Name: "decoy" + fmt.Sprint(len(name)), Binary: built.guest, Args: c.args,
				Stdout: &out, Decoy: c.kind})
			require.NoError(t, err)
			_, err = p.Wait(t.Context())
			require.NoError(t, err)
			assert.Contains(t, out.String(), c.says)
		})
	}
	list, err := d.engine.client.ContainerList(t.Context(), client.ContainerListOptions{All: true,
		Filters: make(client.Filters).Add("label", ledger.LabelDrill+"="+d.site.Scope.Drill)})
	require.NoError(t, err)
	assert.Empty(t, list.Items, "a decoy ends with its program")
}

// Who spoke to whom is known where payload went both ways: not where somebody only listened, or nobody answered.
func TestReached(t *testing.T) {
	t.Parallel()
	d, _ := newBench(t)
	db, err := d.Boot(t.Context(), serving("db"))
	require.NoError(t, err)
	app, err := d.Boot(t.Context(), serving("app"))
	require.NoError(t, err)
	_, err = d.Boot(t.Context(), serving("alone"))
	require.NoError(t, err)
	say := func(m instance.Machine, args ...string) {
		_, err := m.Exec(t.Context(), instance.Command{Args: append([]string{"/guest", "dial", "tcp"}, args...)})
		require.NoError(t, err)
	}
	say(app, "db:7000", "hello\n")
	say(db, "app:7000")                                                           // connects, says nothing and hears nothing
	say(app, "alone:7001", "x")                                                   // nobody listens
	say(db, "alone:"+fmt.Sprint(sandbox.AnswerPort), "x")                         // lifeboat itself answers
	say(app, "app:7000", "hello\n")                                               // itself
	for name, flow := range map[string]string{"flow": "/s/shop.js", "user": ""} { // a script of the user's is no flow
		p, err := d.Run(t.Context(), instance.Program{Name: name, Flow: flow, Binary: built.guest,
			Args: []string{"dial", "tcp", "app:7000", "hello\n"}})
		require.NoError(t, err)
		_, err = p.Wait(t.Context())
		require.NoError(t, err)
	}
	links, err := d.Reached(t.Context())
	require.NoError(t, err)
	var got []record.Link
	for _, l := range links {
		assert.Positive(t, l.First)
		assert.GreaterOrEqual(t, l.Last, l.First)
		l.First, l.Last = 0, 0
		got = append(got, l)
	}
	assert.ElementsMatch(t, []record.Link{{From: "app", To: "db", Port: 7000, Protocol: "tcp"},
		{Flow: "/s/shop.js", To: "app", Port: 7000, Protocol: "tcp"}}, got)
}
