package fault

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// keys that every kind needs at least.
var keys = map[string]string{
	"pg-password-rotated":    "{role: app}",
	"pg-mistake":             "{database: shop, run: drop table orders, seen: select false}",
	"mysql-password-rotated": "{user: app}",
	"mysql-plugin-missing":   "{user: app}",
	"file-missing":           "{path: /etc/app.conf}",
	"slow-restore":           "{rate: 2MB/s}",
	"disk-slow":              "{rate: 2MB/s}",
	"disk-latency":           "{latency: 80ms}",
	"memory-balloon":         "{leaves: 256MiB}",
	"clock-skewed":           "{by: 1h}",
	"service-fails":          "{unit: shop-pos}",
	"package-conflict":       "{package: openssh-server}",
}

func build(t *testing.T, kind, text string) (Fault, []string) {
	t.Helper()
	if text == "" {
		text = "{}"
	}
	s, err := scenarios.ParseSettings(kind, text)
	require.NoError(t, err)
	f, problems := Catalogue()[kind](s)
	var all []string
	for _, p := range problems {
		all = append(all, p.Message)
	}
	return f, all
}

func TestCatalogue(t *testing.T) {
	assert.Len(t, Kinds(), len(Catalogue()))
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			f, problems := build(t, kind, keys[kind])
			assert.Empty(t, problems)
			assert.NotNil(t, f)
			text := strings.TrimSuffix(strings.TrimSuffix(keys[kind], "}")+", no_such_key: 1}", "")
			if keys[kind] == "" {
				text = "{no_such_key: 1}"
			}
			_, problems = build(t, kind, text)
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0], `unknown key "no_such_key"`)
		})
	}
}

func TestKeys(t *testing.T) {
	for name, c := range map[string]struct {
		kind, keys string
		want       []string
	}{
		"no role":          {"pg-password-rotated", "", []string{"role: pg-password-rotated needs a role"}},
		"no mistake":       {"pg-mistake", "{database: a}", []string{"run: pg-mistake needs it", "seen: pg-mistake needs it"}},
		"no path":          {"file-missing", "", []string{"path: file-missing needs an absolute path"}},
		"relative path":    {"file-missing", "{path: a}", []string{"path: file-missing needs an absolute path"}},
		"no rate":          {"slow-restore", "", []string{"rate: slow-restore needs a rate"}},
		"rate of no unit":  {"slow-restore", "{rate: 5}", []string{"rate: 5 has no unit"}},
		"version a number": {"pg-major-version", "{version: 14}", []string{"version: want text, have the number 14"}},
		"same port":        {"pg-port-moved", "{to: 5432}", []string{"to: port 5432 is no other port to move to"}},
		"no port":          {"pg-port-moved", "{to: 99999}", []string{"to: port 99999 is no other port to move to"}},
		"no disk rate":     {"disk-slow", "", []string{"rate: disk-slow needs it"}},
		"a trickle":        {"disk-slow", "{rate: 1B/s}", []string{"rate: a disk moves at least 4096 bytes/s, not 1"}},
		"latency unitless": {"disk-latency", "{latency: 80}", []string{"latency: 80 has no unit"}},
		"too late": {"disk-latency", "{latency: 5s}",
			[]string{"latency: a disk's latency lies between 1ms and 1s, not at 5s"}},
		"no memory": {"memory-balloon", "", []string{"leaves: memory-balloon needs it"}},
		"other requests": {"disk-error", "{requests: seeks}",
			[]string{`requests: requests that fail are reads, writes or all, not "seeks"`}},
		"a second off": {"clock-skewed", "{by: 1s}",
			[]string{"by: a clock is wrong by whole seconds, 10s at least, not by 1s"}},
		"sideways": {"clock-skewed", "{by: 1h, direction: left}",
			[]string{`direction: a clock is not wrong "left"`}},
		"no unit":           {"service-fails", "", []string{"unit: service-fails needs a unit of systemd"}},
		"a path for a unit": {"service-fails", "{unit: ../x}", []string{"unit: service-fails needs a unit of systemd"}},
		"no package":        {"package-conflict", "", []string{"package: package-conflict needs a package"}},
		"relative folder":   {"disk-full", "{path: var}", []string{"path: disk-full needs an absolute path"}},
		"another server":    {"pg-hba-reject", "{port: 5433, superuser: admin, os_user: pg}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := build(t, c.kind, c.keys)
			assert.Equal(t, c.want, problems)
		})
	}
}

// What a hypervisor does, or a kernel of one's own, is refused on a container before anything is booted.
func TestFitting(t *testing.T) {
	for _, kind := range Kinds() {
		f, _ := build(t, kind, keys[kind])
		fitting, ok := f.(Fitting)
		anywhere := strings.HasPrefix(kind, "pg-") || strings.HasPrefix(kind, "mysql-") || kind == "file-missing" || kind == "slow-restore" || kind == "none"
		assert.Equal(t, anywhere, !ok, kind)
		if ok {
			assert.NoError(t, fitting.Fits(instance.Traits{OwnKernel: true}), kind)
			assert.ErrorContains(t, fitting.Fits(instance.Traits{}), "virtual machine", kind)
		}
	}
}

func TestSlowRestoreIsNoFaultOfAMachine(t *testing.T) {
	f, _ := build(t, "slow-restore", "{rate: 2MB/s}")
	slow, ok := f.(*SlowRestore)
	require.True(t, ok)
	assert.EqualValues(t, 2_000_000, slow.BytesPerSecond())
	_, err := f.Prepare(t.Context(), Target{})
	assert.Error(t, err)
	assert.Error(t, f.Available(t.Context(), Target{}))
	assert.Error(t, f.Inject(t.Context(), Target{}))
	assert.Error(t, f.Effective(t.Context(), Target{}))
}

// scripted is a machine of functions.
type scripted struct {
	instance.Machine
	running bool
	lost    error // of State
	dial    func() (net.Conn, error)
	dials   map[int]func() (net.Conn, error) // by port, instead
	exec    func(c instance.Command) (instance.Result, error)
}

func (m scripted) Name() string { return "db" }
func (m scripted) State(context.Context) (instance.State, error) {
	return instance.State{Running: m.running}, m.lost
}
func (m scripted) Dial(_ context.Context, port int) (net.Conn, error) {
	if d := m.dials[port]; d != nil {
		return d()
	}
	return m.dial()
}
func (m scripted) Exec(_ context.Context, c instance.Command) (instance.Result, error) {
	return m.exec(c)
}
func (m scripted) UndoCommand(c instance.Command) ledger.Undo { return instance.Encode("exec", c) }

// answering is a server that answers a start-up message with one of its own.
func answering(t *testing.T, messages ...pgproto3.BackendMessage) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		near, far := net.Pipe()
		t.Cleanup(func() { _ = far.Close() })
		go func() {
			b := pgproto3.NewBackend(far, far)
			if _, err := b.ReceiveStartupMessage(); err != nil {
				return
			}
			for _, m := range messages {
				b.Send(m)
			}
			_ = b.Flush()
			_ = far.Close()
		}()
		return near, nil
	}
}

func TestUnreachableTellsTheTruth(t *testing.T) {
	says := func(code, routine string) func() (net.Conn, error) {
		return answering(t, &pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Routine: routine,
			Message: "server says so"})
	}
	refused := func() (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} }
	began := time.Now()
	starts := func() (net.Conn, error) {
		if time.Since(began) < 500*time.Millisecond {
			return refused()
		}
		return says("28P01", "auth_failed")()
	}
	for name, c := range map[string]struct {
		machine scripted
		want    string // "": unreachable
	}{
		"down":              {scripted{running: false}, ""},
		"refused by pg_hba": {scripted{running: true, dial: says("28000", "ClientAuthentication")}, ""},
		"full":              {scripted{running: true, dial: says("53300", "InitProcess")}, ""},
		"answers nonsense":  {scripted{running: true, dial: answering(t)}, ""},
		"nobody listens":    {scripted{running: true, dial: refused}, ""},
		"asks for a password": {scripted{running: true, dial: says("28P01", "auth_failed")},
			"db still answers at port 5432: server says so"},
		"trusts, no such role": {scripted{running: true, dial: says("28000", "InitializeSessionUserId")},
			"db still answers at port 5432: server says so"},
		"no such database": {scripted{running: true, dial: says("3D000", "InitPostgres")},
			"db still answers at port 5432: server says so"},
		"is starting": {scripted{running: true, dial: says("57P03", "ProcessStartupPacket")},
			"db is starting or stopping"},
		"lets in": {scripted{running: true, dial: answering(t, &pgproto3.AuthenticationOk{},
			&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{1, 2, 3, 4}},
			&pgproto3.ReadyForQuery{TxStatus: 'I'})}, "db still lets sessions in at port 5432"},
		"only started a moment ago": {scripted{running: true, dial: starts}, "db still answers at port 5432: server says so"},
		"the engine is gone": {scripted{running: true, dial: func() (net.Conn, error) {
			return nil,
				errors.New("no engine")
		}}, "ask db at port 5432: no engine"},
		"not known": {scripted{lost: errors.New("no engine")}, "look at db: no engine"},
	} {
		t.Run(name, func(t *testing.T) {
			s := server{}
			s.defaults()
			began = time.Now()
			err := bites(s.unreachable(t.Context(), c.machine))
			if c.want == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, c.want)
			}
		})
	}
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	s := server{}
	s.defaults()
	assert.Error(t, s.unreachable(dead, scripted{running: true, dial: refused}), "an aborted drill proves nothing")
}

func TestMovedPortIsOneThatIsListenedAt(t *testing.T) {
	refused := func() (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} }
	answers := answering(t, &pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "no"})
	for name, c := range map[string]struct {
		old, moved func() (net.Conn, error)
		want       string
	}{
		"moved":       {refused, answers, ""},
		"starting":    {refused, refused, "db listens neither at port 5432 nor at port 5433"},
		"not moved":   {answers, refused, "db still answers at port 5432: no"},
		"no database": {answering(t), answers, "db still listens at port 5432"},
	} {
		t.Run(name, func(t *testing.T) {
			f, problems := build(t, "pg-port-moved", "")
			require.Empty(t, problems)
			err := f.Effective(t.Context(), Target{Machine: scripted{running: true,
				dials: map[int]func() (net.Conn, error){5432: c.old, 5433: c.moved}}})
			if c.want == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, c.want)
			}
		})
	}
}

func TestNoneNeverBites(t *testing.T) {
	f, _ := build(t, "none", "")
	m := scripted{running: true}
	undo, err := f.Prepare(t.Context(), Target{Machine: m})
	require.NoError(t, err)
	assert.NotEmpty(t, undo.Data)
	assert.NoError(t, f.Available(t.Context(), Target{Machine: m}))
	assert.NoError(t, f.Inject(t.Context(), Target{Machine: m}))
	assert.Error(t, f.Effective(t.Context(), Target{Machine: m}))
}
