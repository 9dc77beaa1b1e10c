// Package etcd restores snapshots of etcd into a new cluster of one member. All of a snapshot is read here before a server starts;
// etcd's own program restores it in the sandbox, and what the server holds afterwards is held against what was counted here.
package etcd

import (
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind etcd.
type Settings struct {
	// of a snapshot without a hash at its end: needed (default: that it was cut off there cannot be told) | none (it is a copy of a
	// server's member/snap/db, which never had one)
	Hash     string           `yaml:"hash"`
	Folder   string           `yaml:"folder"`   // in the instance, on a volume, for lifeboat's settings and the data; default /var/lib/lifeboat-etcd
	Port     int              `yaml:"port"`     // default 2379
	User     string           `yaml:"user"`     // of a snapshot whose cluster asks for one; default root
	Password scenarios.Secret `yaml:"password"` // default: none
	// how long the server may take to answer after the restore before that is given up as inconclusive; default 10m
	Stall scenarios.Duration `yaml:"stall"`
}

// What becomes of a snapshot that has no hash.
const (
	hashNeeded = "needed"
	hashNone   = "none"
)

const (
	defaultFolder = "/var/lib/lifeboat-etcd"
	defaultPort   = 2379
	defaultUser   = "root"
	defaultStall  = scenarios.Duration(10 * time.Minute)
	peerPort      = 2380
)

// Names in the folder.
const (
	confFile     = "lifeboat.yaml"
	snapshotFile = "snapshot.db"
	emptyData    = "empty"    // of the server that runs while the snapshot is restored beside it
	restoredData = "restored" // of the server that is proved
	memberName   = "lifeboat"
)

// Loader loads snapshots; safe for concurrent use.
type Loader struct{ set Settings }

// New makes the loader of its settings.
func New(s scenarios.Settings) (*Loader, []scenarios.Problem) {
	c := Settings{Hash: hashNeeded, Folder: defaultFolder, Port: defaultPort, User: defaultUser, Stall: defaultStall}
	problems := s.Decode(&c)
	if !slices.Contains([]string{hashNeeded, hashNone}, c.Hash) {
		problems = append(problems, s.Problem("hash", "one of needed, none", "%q is unknown", c.Hash))
	}
	if !path.IsAbs(c.Folder) || path.Clean(c.Folder) == "/" {
		problems = append(problems, s.Problem("folder", "such as "+defaultFolder, "%q is no absolute path of a folder", c.Folder))
	}
	if c.Port < 1 || c.Port > 65535 || c.Port == peerPort {
		problems = append(problems, s.Problem("port", "from 1 to 65535, and not 2380", "%d is no port for clients", c.Port))
	}
	problems = append(problems, s.ProblemIf(c.Stall <= 0, "stall", "such as 10m", "%s is no time to wait", c.Stall)...)
	if len(problems) > 0 {
		return nil, problems
	}
	c.Folder = path.Clean(c.Folder)
	return &Loader{set: c}, nil
}

// Prepare puts the folder on a volume and has the server read lifeboat's settings alone: with a file of them it takes no others. A
// machine that is to be loaded is held until they are there.
func (l *Loader) Prepare(r *instance.Request) error {
	r.OnVolumes(l.set.Folder)
	if r.KeepData && slices.Contains(r.DropData, l.set.Folder) {
		return nil // it starts with nothing, lifeboat's settings included
	}
	r.Arguments = append(slices.Clone(r.Arguments), "--config-file", path.Join(l.set.Folder, confFile))
	r.Hold = !r.KeepData
	return nil
}

// conf is all that the server is told: to be a cluster by itself, and to answer clients in the sandbox.
func (l *Loader) conf(machine, data string) string {
	listen, port := "0.0.0.0", strconv.Itoa(l.set.Port)
	if data == emptyData {
		listen = "127.0.0.1" // nobody shall take it for the restored one
	}
	return strings.Join([]string{
		"name: " + memberName,
		"data-dir: " + strconv.Quote(path.Join(l.set.Folder, data)),
		"listen-client-urls: http://" + net.JoinHostPort(listen, port), "advertise-client-urls: http://" + net.JoinHostPort(machine, port),
		"listen-peer-urls: " + peerURL, "initial-advertise-peer-urls: " + peerURL,
		"initial-cluster: " + memberName + "=" + peerURL, "initial-cluster-state: new", "initial-cluster-token: " + memberName,
		"enable-grpc-gateway: true", "logger: zap", "log-outputs: [stderr]",
		"quota-backend-bytes: 17179869184", // room, whatever the server's default: without it a large snapshot takes no write
	}, "\n") + "\n"
}

const peerURL = "http://127.0.0.1:2380"
