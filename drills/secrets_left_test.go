package drills

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/secrets"
	"lifeboat/drills/secrets/secretstest"
	"lifeboat/drills/store"
	"lifeboat/reports"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// secretPlaces are where a scenario takes a secret, each in a variable or a file of its own.
var secretPlaces = []string{"STORE", "LOADER", "INSTANCE", "FLOW", "CHECK", "BOOT", "SCRIPT", "PASSWORD"}

// everywhere is simple with a secret in every place that takes one. A fault that lasts, a check that fails and a step
// that fails are among it, so that the reports have much to tell.
const everywhere = `scenario: everywhere
service: shop
trigger: fault
objectives: {start_rollback: 30m, restored: 2h, outage: 30m}
backups:
  db-backup: {store: {kind: telling, header: {X: {env: STORE}}}, restore: {kind: telling, header: {X: {file: LOADER}}}}
  disk: {store: {kind: fake}, restore: {kind: disk}}
instances:
  db: {kind: fake, image: img, load: db-backup, env: {X: {env: INSTANCE}}, ready: {exec: [up]}}
  vm: {kind: qemu, boot: disk, vm: {control: [serial], password: {file: PASSWORD}}, ready: {exec: [up]}}
flow: {script: flow.js, pulse: 10/s, timeout: 1s, env: {X: {env: FLOW}}}
faults: [{kind: break, on: db}]
detect: {when: "flow.failed > 5% for 3s", within: 1m}
decide: {by: simulated, after: 2s}
rollback:
  - destroy: db
  - boot: {instance: db, env: {X: {env: BOOT}}}
  - put: {on: db, from: put.txt, to: /srv/put.txt}
  - exec: {on: db, run: [tell]}
  - exec: {on: db, run: [fail], allow_failure: true}
  - script: {file: x.sh, env: {X: {env: SCRIPT}}, allow_failure: true}
  - reboot: vm
stable_for: 10s
verify: {within: 20s}
checks:
  system: [{kind: ask, name: system}]
  service: [{kind: ask, name: service, header: {X: {file: CHECK}}}]
  data: [{kind: ask, name: data}]
  business: [{kind: ask, name: business}]
`

// gossip is whoever repeats the secrets of a scenario, in any form that secretstest.Echoes has.
type gossip struct {
	mu     sync.Mutex
	r      *rand.Rand
	values []string
	told   int
}

func (g *gossip) say() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told++
	text := g.values[g.r.IntN(len(g.values))]
	for range 1 + g.r.IntN(2) {
		text = secretstest.Echoes[g.r.IntN(len(secretstest.Echoes))](text)
	}
	return text
}

func (g *gossip) err() error { return errors.New(g.say()) }

// often is an error one time in n, and nil else.
func (g *gossip) often(n int) error {
	g.mu.Lock()
	quiet := g.r.IntN(n) > 0
	g.mu.Unlock()
	if quiet {
		return nil
	}
	return g.err()
}

// plant puts a secret into every place, and returns what must not be seen of them.
func (g *gossip) plant(t *testing.T, dir string) (all []string) {
	for _, place := range secretPlaces {
		secret := secretstest.Random(g.r)
		for len(secret) < 6 || len(secret) < 20 && !strings.ContainsFunc(secret, func(r rune) bool { return r > 'z' || r < '0' }) {
			secret = secretstest.Random(g.r) // a short one of letters and digits stands in a digest by chance
		}
		value := secret
		if len(secret) >= secrets.ShortestPart {
			value = []string{secret, "Bearer " + secret,
				(&url.URL{Scheme: "http", User: url.UserPassword("app", secret), Host: "proxy"}).String()}[g.r.IntN(3)]
		}
		all, g.values = append(all, secret), append(g.values, value)
		t.Setenv(place, value)
		require.NoError(t, os.WriteFile(filepath.Join(dir, place), []byte(value+"\n"), 0o600))
	}
	return all
}

// Their keys take secrets of their own.
type gossipingKeys struct {
	Name   string                      `yaml:"name"`
	Header map[string]scenarios.Secret `yaml:"header"`
}

type gossipingStore struct {
	fakeStore
	g *gossip
}

func (s gossipingStore) List(ctx context.Context) ([]store.Point, error) {
	points, err := s.fakeStore.List(ctx)
	points[0].Doubt = s.g.say()
	return points, err
}

type gossipingCheck struct {
	verifier.Check
	g *gossip
}

func (c gossipingCheck) Observe(context.Context, verifier.Target) (verifier.Facts, error) {
	facts, _ := json.Marshal(map[string]string{"seen": strings.Repeat("x", 1900) + c.g.say(), c.g.say(): "key",
		"whole": c.g.values[0]}) // hidden for sure, so that nobody judges them again: who gossips never says the same twice
	return facts, c.g.often(4)
}

func (c gossipingCheck) Judge(_, _ verifier.Facts) verifier.Answer {
	return verifier.Answer{Status: record.CheckFailed, Message: c.g.say(), Diff: []string{c.g.say(), c.g.say()},
		Beside: []record.Observation{{ID: "content.also", Args: map[string]string{"says": c.g.say(), "where": c.g.say()}}}}
}

type gossipingFlows struct {
	fakeFlows
	g *gossip
}

func (f gossipingFlows) Pulse(ctx context.Context, r verifier.PulseRequest) (verifier.Pulse, error) {
	raw, err := os.Create(r.Raw)
	if err != nil {
		return nil, err
	}
	told := r.Sample
	r.Sample = func(s verifier.Sample) {
		if !s.OK {
			s.Error, s.Answered = f.g.say(), true
			line, _ := json.Marshal(map[string]string{"error": s.Error})
			_, _ = fmt.Fprintf(raw, "%s\n", line)
		}
		told(s)
	}
	return f.fakeFlows.Pulse(ctx, r)
}

// gossiping is a kit of parts that tell whatever they know, wherever they are asked.
func (g *gossip) kit(w *world, k *Kit) {
	k.Stores["telling"] = func(_ store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
		return gossipingStore{g: g}, s.Decode(&gossipingKeys{})
	}
	k.Loaders["telling"] = func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) {
		return fakeLoader{w}, s.Decode(&gossipingKeys{})
	}
	for name, made := range k.Checks {
		if strings.HasSuffix(name, "/ask") {
			k.Checks[name] = func(s scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
				c, _ := made(s, dir)
				return gossipingCheck{c, g}, s.Settings.Decode(&gossipingKeys{})
			}
		}
	}
	k.Flows = func(_ instance.Companion, log *slog.Logger) (verifier.Flows, error) {
		log.Error(g.say(), "error", g.err())
		return gossipingFlows{fakeFlows{w}, g}, nil
	}
	boot := k.Instances["fake"].New
	k.Instances["fake"] = docker.Kind(func(s instance.Site) (instance.Driver, error) {
		s.Log.With("token", g.say()).Warn(g.say(), "error", g.err(), slog.Group("request", "header", g.say()))
		return boot(s)
	})
	k.Instances["qemu"] = virtual(k.Instances["fake"].New)
}

func (g *gossip) world(t *testing.T) *world {
	w := newWorld(t)
	w.load = func(int) error {
		return g.one([]error{nil, nil, nil, &restore.BackupError{Backup: "db-backup", Reason: g.say()},
			&restore.ImageError{Backup: "db-backup", Reason: g.say()}, g.err()})
	}
	script := fake.Script{BootTime: time.Second,
		Up: func(_ context.Context, m *fake.Machine) error { m.Print(g.say()); return g.often(12) },
		Exec: func(_ context.Context, _ *fake.Machine, c instance.Command) (instance.Result, error) {
			r := instance.Result{Stdout: g.say(), Stderr: g.say()}
			if c.Args[0] == "fail" {
				r.Exit = 1
			}
			return r, g.often(8)
		},
		Diagnose: func(*fake.Machine) instance.Diagnosis {
			return instance.Diagnosis{Diagnosis: record.Diagnosis{Class: "kernel-panic", Words: g.say(), Source: "console"}}
		}}
	w.machine.Images = map[string]fake.Script{"img": script, "disk-of-disk": script}
	w.machine.Program = func(_ context.Context, p instance.Program) (int, error) {
		_, _ = io.WriteString(p.Stdout, strings.Repeat("x", outputKept-10)+g.say()+"\n"+g.say())
		return 1, g.often(4)
	}
	w.machine.Attempts = []record.EgressFact{{Subject: record.Subject{Instance: "db"},
		Egress: record.Egress{Protocol: "dns", Target: g.say(), Count: 1}}}
	if g.r.IntN(2) == 0 {
		w.undo = func(int) error { return g.err() }
	}
	w.unasked = g.often(2)
	w.change = func(k *Kit) { g.kit(w, k) }
	return w
}

func (g *gossip) one(of []error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return of[g.r.IntN(len(of))]
}

// Whatever is told in a drill, and in whatever form: no file of the home, no line of the log and no report shows a secret
// or eight bytes of one.
func TestNoSecretOfAnyShapeIsLeft(t *testing.T) {
	seeds := []uint64{ // that found something
		1795910384997127761, // a secret of short lines, below each other in a console
		475201594245638889,  // a line of a password in an address
	}
	random := 2
	if os.Getenv("LIFEBOAT_LONG") != "" {
		random = 400
	}
	for range random {
		seeds = append(seeds, rand.Uint64())
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			g := &gossip{r: rand.New(rand.NewPCG(seed, 3))}
			dir, log := t.TempDir(), bytes.Buffer{}
			planted := g.plant(t, dir)
			w := g.world(t)
			w.log = slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})
			w.files = map[string]string{"x.sh": "#!/bin/sh\n# " + g.values[0] + "\n", "put.txt": g.values[1]}
			res := w.run(strings.NewReplacer("{X: {file: ", "{X: {file: "+dir+"/", "password: {file: ", "password: {file: "+dir+"/").Replace(everywhere))
			assert.Greater(t, g.told, 20, "of whatever was told")
			seen := secretstest.Of(planted)
			seen.Grep(t, w.home)
			seen.Look(t, "the log", log.String())
			for _, left := range res.Left {
				seen.Look(t, "what is left", left.Error+left.Fix)
			}
			for _, f := range reports.Formats() {
				for _, lang := range []reports.Language{reports.English, reports.Chinese} {
					var b bytes.Buffer
					require.NoError(t, f.Render(&b, res.Record, res.Verdict, reports.Options{Language: lang, Width: 200}))
					seen.Look(t, f.Name, b.String())
				}
			}
			lookInBundle(t, seen, w, res)
		})
	}
}

// A sweep does not know what a dead drill hid: what a restored system answers it as a fault is undone is not written down.
func TestSweepKeepsNoAnswers(t *testing.T) {
	d := newDead(t, false)
	scope, err := ledger.LoadScope(d.dir)
	require.NoError(t, err)
	l, err := ledger.Open(d.dir, scope)
	require.NoError(t, err)
	_, err = l.Intend(ledger.Entry{What: "fault", Name: "break on db", Fix: "heal it", Fault: &ledger.Fault{Kind: "break", On: "db"},
		Undo: ledger.Undo{Kind: "heal", Data: json.RawMessage(`{}`)}})
	require.NoError(t, errors.Join(err, l.Close()))
	kit := d.request().Kit
	kit.Undoers["heal"] = func(context.Context, ledger.Scope, ledger.Entry) error {
		return errors.New("psql: the password " + flowToken + " is wrong")
	}
	synctest.Test(t, func(t *testing.T) {
		swept, err := SweepAll(t.Context(), SweepRequest{Home: d.home, Kit: kit})
		require.NoError(t, err)
		require.Len(t, swept, 1)
		require.Len(t, swept[0].Left, 1)
		assert.Equal(t, withheld, swept[0].Left[0].Error)
		assert.Equal(t, "heal it", swept[0].Left[0].Fix)
	})
	secretstest.Of([]string{flowToken}).Grep(t, d.home)
}
