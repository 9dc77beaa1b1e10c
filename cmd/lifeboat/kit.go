package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"lifeboat/drills"
	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/qemu"
	"lifeboat/drills/ledger"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup"
	"lifeboat/drills/restore/disk"
	"lifeboat/drills/restore/etcd"
	"lifeboat/drills/restore/files"
	"lifeboat/drills/restore/mariadbbackup"
	"lifeboat/drills/restore/mysql"
	"lifeboat/drills/restore/mysql/binlog"
	"lifeboat/drills/restore/oci"
	"lifeboat/drills/restore/postgres"
	"lifeboat/drills/restore/redis"
	"lifeboat/drills/store"
	"lifeboat/drills/store/borg"
	"lifeboat/drills/store/dir"
	"lifeboat/drills/store/http"
	"lifeboat/drills/store/restic"
	"lifeboat/drills/store/s3"
	"lifeboat/internal/pressure"
	"lifeboat/internal/sandbox/program"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/business"
	"lifeboat/verifier/data"
	mysqlsource "lifeboat/verifier/database/mysql"
	postgressource "lifeboat/verifier/database/postgres"
	"lifeboat/verifier/service"
	"lifeboat/verifier/system"
)

// kit wires every back-end, and is the only place that knows them. Adding one
// is a folder and a line here.
func (a *app) kit() drills.Kit {
	log := a.log()
	shared := &grounds{}
	k := drills.Kit{
		Stores: map[string]func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem){
			"borg":   borg.New,
			"dir":    dir.New,
			"http":   http.New,
			"restic": restic.New,
			"s3":     s3.New,
		},
		Rooms: rooms,
		Loaders: map[string]func(scenarios.Settings) (restore.Loader, []scenarios.Problem){
			"basebackup":     func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return basebackup.New(s) },
			"binlog":         func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return binlog.NewArchive(s) },
			"etcd":           func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return etcd.New(s) },
			"files":          func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return files.New(s) },
			"mariadb-backup": func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return mariadbbackup.New(s) },
			"mysql":          func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return mysql.New(s) },
			"postgres":       func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return postgres.New(s) },
			"redis":          func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return redis.New(s) },
			"wal":            func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) { return basebackup.NewArchive(s) },
		},
		Imagers: map[string]func(scenarios.Settings) (restore.Imager, []scenarios.Problem){
			"oci":  func(s scenarios.Settings) (restore.Imager, []scenarios.Problem) { return oci.New(s) },
			"disk": func(s scenarios.Settings) (restore.Imager, []scenarios.Problem) { return disk.New(s) },
		},
		Instances: map[string]instance.Kind{
			"docker": docker.Kind(func(site instance.Site) (instance.Driver, error) { return shared.of(site) }),
			"qemu": qemu.Kind(func(site instance.Site) (instance.Driver, error) {
				base, err := shared.of(site)
				if err != nil {
					return nil, err
				}
				return qemu.New(site, base), nil
			}),
		},
		Faults:   map[string]func(scenarios.Settings) (fault.Fault, []scenarios.Problem){},
		Checks:   map[string]func(scenarios.CheckSpec, string) (verifier.Check, []scenarios.Problem){},
		Undoers:  map[string]ledger.Undoer{},
		Host:     pressure.Read,
		Capacity: docker.Capacity,
		Space:    a.space(),
		Remains: func(ctx context.Context, s ledger.Scope) ([]string, error) {
			return remains(ctx, log, s)
		},
		Strays: func(ctx context.Context, dry bool) ([]drills.Swept, error) { return strays(ctx, log, a.home, dry) },
		Reaper: func(ctx context.Context, s ledger.Scope) (drills.Reaper, error) {
			return a.startReaper(ctx, s)
		},
		Flows: func(c instance.Companion, log *slog.Logger) (verifier.Flows, error) {
			path, err := sidecar()
			if err != nil {
				return nil, err
			}
			return business.New(c, path, log)
		},
		K6: k6Program,
	}
	for kind, build := range fault.Catalogue() {
		k.Faults[kind] = build
	}
	layers := map[string]struct {
		kinds []string
		build func(scenarios.CheckSpec, string) (verifier.Check, []scenarios.Problem)
	}{
		"system": {system.Kinds(), system.New}, "service": {service.Kinds(), service.New},
		"data": {data.Kinds(), data.New}, "business": {business.Kinds(), business.NewCheck},
	}
	for layer, l := range layers {
		for _, kind := range l.kinds {
			k.Checks[layer+"/"+kind] = l.build
		}
	}
	maps.Copy(k.Undoers, ledger.Undoers())
	maps.Copy(k.Undoers, docker.Undoers(log))
	maps.Copy(k.Undoers, qemu.Undoers())
	return k
}

// These are how lifeboat profile asks.
var (
	postgresDialect postgressource.Dialect
	mysqlDialect    mysqlsource.Dialect
)

// grounds are the docker drivers of drills: the machines of one drill, of whatever kind, stand in one network.
type grounds struct {
	mu      sync.Mutex
	drivers map[string]*docker.Driver
}

// of returns the driver of a site's drill; a site without one, which only asks questions, gets its own.
func (g *grounds) of(site instance.Site) (*docker.Driver, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.drivers, func(_ string, d *docker.Driver) bool { return d.Closed() })
	if d := g.drivers[site.Scope.Drill]; d != nil {
		return d, nil
	}
	var err error
	if site.Program, err = program.Executable(); err != nil {
		return nil, err
	}
	d, err := docker.New(site)
	if err != nil {
		return nil, err
	}
	if site.Scope.Drill != "" {
		if g.drivers == nil {
			g.drivers = map[string]*docker.Driver{}
		}
		g.drivers[site.Scope.Drill] = d
	}
	return d, nil
}

// rooms makes rooms for stores on the engine that drills stand on.
func rooms(ctx context.Context, scope ledger.Scope, to store.Ledger, log *slog.Logger, r store.RoomRequest) (store.Room, error) {
	inside, err := program.Executable()
	if err != nil {
		return nil, err
	}
	return docker.OpenRoom(ctx, instance.Site{Scope: scope, Ledger: to, Log: log, Program: inside}, r)
}

// sidecar finds the static lifeboat-k6: $LIFEBOAT_K6, beside lifeboat, on the PATH.
func sidecar() (string, error) {
	const name = "lifeboat-k6"
	if p := os.Getenv("LIFEBOAT_K6"); p != "" {
		if _, err := os.Stat(p); err != nil {
			return "", fmt.Errorf("find the k6 sidecar of LIFEBOAT_K6: %w", err)
		}
		return p, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if p := filepath.Join(filepath.Dir(self), name); exists(p) {
		return p, nil
	}
	p, err := exec.LookPath(name)
	if err != nil {
		return "", errors.New("find the k6 sidecar lifeboat-k6: not beside lifeboat and not on the PATH; make build makes it")
	}
	return p, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
