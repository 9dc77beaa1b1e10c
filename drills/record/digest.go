package record

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"strings"
)

// Digest is one that was promised of a backup's bytes, and who held them against it.
type Digest struct {
	Algorithm  string   `json:"algorithm"`             // one of Algorithms
	Value      string   `json:"value"`                 // hexadecimal, lower case
	PromisedBy Promiser `json:"promised_by,omitempty"` // empty: an old journal does not say
	File       string   `json:"file,omitempty"`        // that promises it, as the store calls it
	VerifiedBy Verifier `json:"verified_by,omitempty"`
}

// Promiser of a digest.
type Promiser string

// The promisers.
const (
	PromisedBySideFile Promiser = "side-file" // of that backup alone, beside it
	PromisedByList     Promiser = "list"
	PromisedByScenario Promiser = "scenario"
)

// Verifier of a promised digest.
type Verifier string

// The verifiers.
const (
	VerifiedByNobody   Verifier = ""
	VerifiedByLifeboat Verifier = "lifeboat" // from the bytes that were restored, while it read them
)

// SHA256 is the algorithm by which lifeboat itself names what it read.
const SHA256 = "sha256"

// algorithms, the strongest first. Of the weak ones two files with one digest can be made on purpose (RFC 6151, RFC 6194):
// they find damage and prove nothing against an attacker.
var algorithms = []struct {
	name string
	make func() hash.Hash
	weak bool
}{
	{"sha512", sha512.New, false}, {"sha384", sha512.New384, false}, {SHA256, sha256.New, false},
	{"sha224", sha256.New224, false}, {"sha1", sha1.New, true}, {"md5", md5.New, true},
}

// Algorithms by which digests are promised, the strongest first.
func Algorithms() []string {
	var names []string
	for _, a := range algorithms {
		names = append(names, a.name)
	}
	return names
}

// ParseDigest reads ALGORITHM:HEX; false where it is none. It says nothing of who promised it.
func ParseDigest(text string) (Digest, bool) {
	name, value, _ := strings.Cut(text, ":")
	d := Digest{Algorithm: name, Value: strings.ToLower(value)}
	raw, err := hex.DecodeString(d.Value)
	return d, err == nil && d.Given() && d.Hash() != nil && len(raw) == d.Hash().Size()
}

// promised reads what an old journal says of a promise: who made it it does not, and only lifeboat verified any.
func (p *RestorePoint) promised() {
	if algorithm, value, ok := strings.Cut(p.Expected, ":"); ok && p.Promise == nil {
		d := Digest{Algorithm: algorithm, Value: value}
		if p.Digest == p.Expected {
			d.VerifiedBy = VerifiedByLifeboat
		}
		p.Promise = &d
	}
	p.Expected = ""
}

// Given tells whether one was promised at all.
func (d Digest) Given() bool { return d.Value != "" }

// String is ALGORITHM:HEX, "" where none was promised.
func (d Digest) String() string {
	if !d.Given() {
		return ""
	}
	return d.Algorithm + ":" + d.Value
}

// Hash takes digests by its algorithm; nil: this program does not know it.
func (d Digest) Hash() hash.Hash {
	for _, a := range algorithms {
		if a.name == d.Algorithm {
			return a.make()
		}
	}
	return nil
}

// Weak tells whether its algorithm proves nothing against an attacker.
func (d Digest) Weak() bool {
	for _, a := range algorithms {
		if a.name == d.Algorithm {
			return a.weak
		}
	}
	return false
}
