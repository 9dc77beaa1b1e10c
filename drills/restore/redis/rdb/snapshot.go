package rdb

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Newest versions of snapshots whose every type is known here: of Redis 7.4 and 8.0, and of Valkey 9. Redis gave new types to
// a version that was out already, so of these a type that is not known is no damage.
const (
	newestRedis  = 12
	newestValkey = 80
)

// Snapshot is what one says of itself and what was counted in it.
type Snapshot struct {
	Version   int
	Valkey    bool      // its magic is Valkey's own
	Server    string    // that wrote it, such as 7.0.15; "": it does not say
	Made      time.Time // when the server began to write it, to the second: nothing in it is younger; zero: it does not say
	Memory    int64     // bytes that its server used; 0: it does not say
	OfLog     bool      // it is the beginning of a log
	Summed    bool      // it has a checksum, which was verified
	Databases map[int]*Database
	Functions int
	Modules   []string // whose values it holds
	Unknown   string   // a type that is not known here: what follows it was not counted, its checksum holds; "": none
	Bytes     int64    // up to the end of its checksum
}

// Database is one numbered database of a snapshot.
type Database struct {
	Keys     int64
	Types    map[string]int64 // string, list, set, zset, hash, stream, module
	Expiring int64            // keys with an expiry
	Partly   int64            // hashes of which fields expire: with the last of them goes the key
	expiries expiries
}

// Gone counts keys whose expiry lies before a moment.
func (d *Database) Gone(before time.Time) int64 { return d.expiries.before(before) }

// Keys of all databases.
func (s *Snapshot) Keys() (n int64) {
	for _, d := range s.Databases {
		n += d.Keys
	}
	return n
}

// Gone counts keys of all databases whose expiry lies before a moment.
func (s *Snapshot) Gone(before time.Time) (n int64) {
	for _, d := range s.Databases {
		n += d.Gone(before)
	}
	return n
}

// Product is the server that wrote it, as people call it.
func (s *Snapshot) Product() string {
	name := "Redis"
	if s.Valkey {
		name = "Valkey"
	}
	if s.Server == "" {
		return fmt.Sprintf("%s (RDB %d)", name, s.Version)
	}
	return fmt.Sprintf("%s %s (RDB %d)", name, s.Server, s.Version)
}

// Opcodes between the keys, as rdb.h of Redis 8 has them.
const (
	opSlotInfo  = 244
	opFunction  = 245
	opModuleAux = 247
	opIdle      = 248
	opFreq      = 249
	opAux       = 250
	opResize    = 251
	opExpireMs  = 252
	opExpire    = 253
	opSelect    = 254
	opEnd       = 255
)

// Head reads what a snapshot says of itself before its first key. Of a beginning that is cut off it is what was read.
func Head(r io.Reader) (*Snapshot, error) {
	s := &scan{input: newInput(r), Snapshot: &Snapshot{Databases: map[int]*Database{}}}
	if err := s.magic(); err != nil {
		return nil, s.told(err)
	}
	for {
		op, err := s.byte()
		if err != nil || op != opAux || s.aux() != nil {
			return s.Snapshot, nil
		}
	}
}

// Read reads a snapshot to the end of its checksum. The time is that by which keys are held to be gone: about now.
// *dump.Damage: it is not whole, or contradicts itself.
func Read(r io.Reader, now time.Time) (*Snapshot, error) {
	return read(newInput(r), now)
}

func read(in *input, now time.Time) (*Snapshot, error) {
	s := &scan{input: in, Snapshot: &Snapshot{Databases: map[int]*Database{}}, now: now}
	if err := s.magic(); err != nil {
		return nil, s.told(err)
	}
	if err := s.body(); err != nil {
		return s.Snapshot, s.told(err)
	}
	s.Bytes = s.offset()
	return s.Snapshot, nil
}

// scan reads one snapshot.
type scan struct {
	*input
	*Snapshot
	now time.Time
	db  *Database
}

// told puts the end of the input into words.
func (s *scan) told(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return damage("its snapshot ends at byte %d in the middle of a value: it is cut off, or damaged before that", s.offset())
	}
	return err
}

func (s *scan) magic() error {
	head := make([]byte, 9)
	if err := s.full(head); err != nil {
		return err
	}
	version, name := strings.CutPrefix(string(head), "REDIS")
	if !name {
		version, s.Valkey = strings.CutPrefix(string(head), "VALKEY")
	}
	var err error
	if s.Version, err = strconv.Atoi(version); err != nil || !name && !s.Valkey || s.Version < 1 {
		return damage("its snapshot begins with %q, which is no version", head)
	}
	return nil
}

// newer tells whether it may hold what nobody knew when this was written.
func (s *scan) newer() bool {
	if s.Valkey {
		return s.Version >= newestValkey
	}
	return s.Version >= newestRedis
}

func (s *scan) body() error {
	expiry := int64(0) // of the next key, milliseconds since 1970; 0: none
	for {
		at := s.offset()
		op, err := s.byte()
		if err != nil {
			return err
		}
		switch op {
		case opEnd:
			return s.checksum()
		case opAux:
			err = s.aux()
		case opSelect:
			err = s.selects(at)
		case opResize:
			err = s.lengths(2)
		case opSlotInfo:
			err = s.lengths(3)
		case opFunction:
			s.Functions++
			err = s.text()
		case opIdle:
			err = s.lengths(1)
		case opFreq:
			err = s.skip(1)
		case opExpireMs:
			expiry, err = s.fixed(8)
		case opExpire:
			expiry, err = s.fixed(4)
			expiry *= 1000
		case opModuleAux:
			err = s.moduleAux()
		default:
			name, known := family(op)
			if !known {
				if s.newer() {
					return s.unknown(op)
				}
				return damage("at byte %d its snapshot has the type %d, which version %d of the format does not", at, op, s.Version)
			}
			err = s.key(op, name, expiry)
			expiry = 0
		}
		if err != nil {
			return err
		}
	}
}

func (s *scan) selects(at int64) error {
	n, special, err := s.length()
	if err != nil {
		return err
	}
	const most = 1 << 24
	if special || n > most {
		return damage("at byte %d its snapshot has a database of number %d", at, n)
	}
	if s.db = s.Databases[int(n)]; s.db == nil {
		s.db = &Database{Types: map[string]int64{}, expiries: expiries{now: s.now.Unix()}}
		s.Databases[int(n)] = s.db
	}
	return nil
}

func (s *scan) key(op byte, name string, expiry int64) error {
	if s.db == nil { // only very old ones do without
		s.db = &Database{Types: map[string]int64{}, expiries: expiries{now: s.now.Unix()}}
		s.Databases[0] = s.db
	}
	if err := s.text(); err != nil {
		return err
	}
	if err := s.value(op); err != nil {
		return err
	}
	s.db.Keys++
	s.db.Types[name]++
	if expiry > 0 {
		s.db.Expiring++
		s.db.expiries.add(expiry)
	}
	if fieldsExpire(op) {
		s.db.Partly++
	}
	return nil
}

// aux is a pair of texts that a snapshot says of itself.
func (s *scan) aux() error {
	key, err := s.kept()
	if err != nil {
		return err
	}
	value, err := s.kept()
	if err != nil {
		return err
	}
	number, _ := strconv.ParseInt(value, 10, 64) // 0 where it is none
	switch key {
	case "redis-ver":
		s.Server = value
	case "valkey-ver":
		s.Server, s.Valkey = value, true
	case "ctime":
		if number > 0 {
			s.Made = time.Unix(number, 0).UTC()
		}
	case "used-mem":
		s.Memory = number
	case "aof-preamble", "aof-base":
		s.OfLog = number == 1
	}
	return nil
}
