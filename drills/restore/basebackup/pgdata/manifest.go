package pgdata

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"strings"
)

// Manifest is a backup_manifest.
type Manifest struct {
	System uint64 // identifier of the cluster; 0: written before PostgreSQL 17
	Files  map[string]ManifestFile
	WAL    []Range // that the backup needs
}

// ManifestFile is what a manifest says of one file.
type ManifestFile struct {
	Size      int64
	Algorithm string // "": none
	Sum       string // hexadecimal
}

// Range of WAL on one timeline.
type Range struct {
	Timeline   uint32
	Start, End LSN
}

// ReadManifest reads it and verifies its own checksum.
func ReadManifest(raw []byte) (*Manifest, error) {
	var m struct {
		Version int    `json:"PostgreSQL-Backup-Manifest-Version"`
		System  uint64 `json:"System-Identifier"`
		Files   []struct {
			Path      *string
			Encoded   string `json:"Encoded-Path"`
			Size      int64
			Algorithm string `json:"Checksum-Algorithm"`
			Checksum  string
		}
		WAL []struct {
			Timeline uint32
			Start    string `json:"Start-LSN"`
			End      string `json:"End-LSN"`
		} `json:"WAL-Ranges"`
		Sum string `json:"Manifest-Checksum"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, errors.New("it is cut off, or no manifest")
	}
	if m.Version != 1 && m.Version != 2 {
		return nil, fmt.Errorf("its version is %d, which is not known", m.Version)
	}
	// The checksum is that of all lines before its own.
	last := bytes.LastIndexByte(bytes.TrimRight(raw, "\n"), '\n')
	if sum := sha256.Sum256(raw[:last+1]); hex.EncodeToString(sum[:]) != strings.ToLower(m.Sum) {
		return nil, errors.New("its own checksum is wrong: it was changed after it was written")
	}
	out := &Manifest{System: m.System, Files: make(map[string]ManifestFile, len(m.Files))}
	for _, f := range m.Files {
		name := f.Encoded
		if f.Path != nil {
			name = *f.Path
		} else if b, err := hex.DecodeString(f.Encoded); err == nil {
			name = string(b)
		}
		if f.Checksum != "" && NewHash(f.Algorithm) == nil {
			return nil, fmt.Errorf("its checksums are %q, which is not known", f.Algorithm)
		}
		file := ManifestFile{Size: f.Size, Sum: strings.ToLower(f.Checksum)}
		if f.Checksum != "" {
			file.Algorithm = f.Algorithm
		}
		out.Files[name] = file
	}
	for _, r := range m.WAL {
		start, err := ParseLSN(r.Start)
		end, e := ParseLSN(r.End)
		if err := errors.Join(err, e); err != nil {
			return nil, err
		}
		out.WAL = append(out.WAL, Range{Timeline: r.Timeline, Start: start, End: end})
	}
	return out, nil
}

// Algorithms that a manifest may name, the most usual first.
var Algorithms = []string{"CRC32C", "SHA256", "SHA224", "SHA384", "SHA512"}

// NewHash of an algorithm; nil: it is not known.
func NewHash(algorithm string) hash.Hash {
	switch algorithm {
	case "CRC32C":
		return crc32.New(castagnoli)
	case "SHA1": // of pgBackRest
		return sha1.New() //nolint:gosec // it is what there is
	case "SHA224":
		return sha256.New224()
	case "SHA256":
		return sha256.New()
	case "SHA384":
		return sha512.New384()
	case "SHA512":
		return sha512.New()
	}
	return nil
}

// Sum in the digits of a manifest: PostgreSQL writes the bytes of a CRC as they lie in its memory.
func Sum(algorithm string, h hash.Hash) string {
	sum := h.Sum(nil)
	if algorithm == "CRC32C" {
		sum[0], sum[1], sum[2], sum[3] = sum[3], sum[2], sum[1], sum[0]
	}
	return hex.EncodeToString(sum)
}

// Unlisted tells which files a manifest says nothing of, or not what they are by now: what belongs to the WAL, and what
// the tool that makes a standby of a backup writes into it.
func Unlisted(name string) bool {
	switch name {
	case ManifestName, "postgresql.auto.conf", "recovery.signal", "standby.signal":
		return true
	}
	return name == "pg_wal" || strings.HasPrefix(name, "pg_wal/")
}
