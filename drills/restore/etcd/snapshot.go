package etcd

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/etcd/bolt"
)

// snapshot is what was read of one.
type snapshot struct {
	hashed   bool // its own hash was there, and held
	revision int64
	keys     int64  // that are not deleted
	leased   int64  // of those, keys that go with a lease
	versions int64  // revisions of keys that it still holds
	members  int64  // of the cluster that it is of
	guarded  bool   // its cluster asks for a password
	version  string // of that cluster, such as 3.4.0; "": it does not say
}

// Layout of etcd's keys: bytes.
const (
	revisionSize  = 17 // of a key in the bucket of revisions: 8 of the main one, an underscore, 8 of the sub one
	tombstoneSize = revisionSize + 1
	boundary      = 512 // a file of pages is a multiple of it; what is behind that is a hash
)

// readSnapshot verifies a snapshot's hash and reads every key of it. What is wrong is *dump.Damage.
func readSnapshot(from io.ReaderAt, size int64) (*snapshot, error) {
	f, err := bolt.Open(from, size)
	if err != nil {
		return nil, err
	}
	s := &snapshot{}
	switch rest := size % boundary; {
	case rest == sha256.Size:
		if s.hashed, err = true, verified(from, size-sha256.Size); err != nil {
			return nil, err
		}
	case rest != 0 && size > f.Size()+sha256.Size:
		return nil, &dump.Damage{Reason: fmt.Sprintf("something else stands behind it: its pages and its hash have %d bytes, and it has %d", f.Size()+sha256.Size,
			size)}
	case rest != 0:
		return nil, &dump.Damage{Reason: fmt.Sprintf("it is cut off: its pages end at byte %d, its hash would have %d more, and it has %d bytes", f.Size(),
			sha256.Size, size)}
	}
	return s, s.read(f)
}

// verified holds the hash at the end against what stands before it.
func verified(from io.ReaderAt, size int64) error {
	sum, want := sha256.New(), make([]byte, sha256.Size)
	if _, err := io.Copy(sum, io.NewSectionReader(from, 0, size)); err != nil {
		return err
	}
	if _, err := from.ReadAt(want, size); err != nil {
		return err
	}
	if got := sum.Sum(nil); !bytes.Equal(got, want) {
		return &dump.Damage{Reason: fmt.Sprintf("its hash does not hold: its bytes have the SHA-256 %x, and it ends with %x", got, want)}
	}
	return nil
}

// read goes through the buckets.
func (s *snapshot) read(f *bolt.File) error {
	live := map[string]bool{} // whether the key has a lease
	if err := f.Bucket("key", func(key, value []byte) error { return s.change(live, key, value) }); err != nil {
		return err
	}
	s.keys = int64(len(live))
	for _, leased := range live {
		if leased {
			s.leased++
		}
	}
	if s.versions == 0 {
		return &dump.Damage{Reason: "it holds not one key"}
	}
	for name, each := range map[string]func(key, value []byte){
		"members": func([]byte, []byte) { s.members++ },
		"auth": func(key, value []byte) {
			s.guarded = s.guarded || string(key) == "authEnabled" && bytes.Equal(value, []byte{1})
		},
		"cluster": func(key, value []byte) {
			if string(key) == "clusterVersion" {
				s.newer(string(value))
			}
		},
		"meta": func(key, value []byte) {
			switch {
			case string(key) == "storageVersion": // from 3.6 on
				s.newer(string(value))
			case string(key) == "finishedCompactRev" && len(value) >= revisionSize:
				// the last revision may be a deletion, of which a compaction leaves nothing but this
				s.revision = max(s.revision, int64(binary.BigEndian.Uint64(value)))
			}
		},
	} {
		if err := f.Bucket(name, func(key, value []byte) error { each(key, value); return nil }); err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) newer(version string) {
	if laterThan(version, s.version) {
		s.version = version
	}
}

// change is one revision of one key.
func (s *snapshot) change(live map[string]bool, key, value []byte) error {
	if len(key) != revisionSize && len(key) != tombstoneSize || key[8] != '_' {
		return &dump.Damage{Reason: "one of its revisions has a name that etcd gives none"}
	}
	s.versions++
	s.revision = max(s.revision, int64(binary.BigEndian.Uint64(key)))
	name, lease, ok := keyValue(value)
	switch {
	case !ok:
		return &dump.Damage{Reason: fmt.Sprintf("what it holds of revision %d is damaged", s.revision)}
	case len(key) == tombstoneSize:
		delete(live, name)
	default:
		live[name] = lease != 0
	}
	return nil
}

// keyValue reads the name and the lease out of a mvccpb.KeyValue.
func keyValue(b []byte) (name string, lease int64, ok bool) {
	const fieldKey, fieldLease = 1, 6
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return "", 0, false
		}
		b = b[n:]
		switch {
		case field == fieldKey && kind == protowire.BytesType:
			raw, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return "", 0, false
			}
			name, b = string(raw), b[n:]
		case field == fieldLease && kind == protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return "", 0, false
			}
			lease, b = int64(v), b[n:]
		default:
			n := protowire.ConsumeFieldValue(field, kind, b)
			if n < 0 {
				return "", 0, false
			}
			b = b[n:]
		}
	}
	return name, lease, name != ""
}

// laterThan compares the first two numbers of versions.
func laterThan(a, b string) bool {
	number := func(v string) (n [2]int) {
		_, _ = fmt.Sscanf(strings.TrimSpace(v), "%d.%d", &n[0], &n[1]) // what is no number is 0
		return n
	}
	x, y := number(a), number(b)
	return x[0] > y[0] || x[0] == y[0] && x[1] > y[1]
}
