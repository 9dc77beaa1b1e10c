// Package signing holds keys and what they sign: DSSE envelopes (github.com/secure-systems-lab/dsse) and the notes of logs (C2SP signed-note).
// Keys lie in OpenSSH's files. An algorithm is one file beside ed25519.go and its line in the table below; a token that keeps its key to
// itself is a Signer of its own.
package signing

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/sumdb/note"

	"lifeboat/internal/canonical"
	"lifeboat/internal/userfile"
)

// Signer holds a private key, or knows who does. Sign (of dsse.Signer) signs the bytes as they are, without a hash before; it may ask a
// person for a touch and so honours its context. KeyID is that of its Verifier.
type Signer interface {
	dsse.Signer
	Verifier() Verifier
	// Note signs under the name of a log.
	Note(name string) (note.Signer, error)
}

// Verifier holds a public key. KeyID is OpenSSH's fingerprint, SHA256:….
type Verifier interface {
	dsse.Verifier
	ID() string
	// Note verifies under the name of a log.
	Note(name string) (note.Verifier, error)
}

// algorithms by the names that OpenSSH gives to their keys.
var algorithms = map[string]func(ssh.CryptoPublicKey) (Verifier, error){
	ssh.KeyAlgoED25519: newEd25519,
}

// most bytes of a file of a key.
const most = 64 << 10

// ErrPassphrase says that a private key is locked by one that was not given.
var ErrPassphrase = errors.New("it is locked by a passphrase")

// ReadPrivate reads a private key. Like OpenSSH it refuses one that others may read.
func ReadPrivate(path string, passphrase []byte) (Signer, error) {
	f, err := userfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read the private key: others may read %s (%#o); chmod 600 it, and make a new key if somebody did", path, info.Mode().Perm())
	}
	raw, err := userfile.Read(path, most)
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	key, err := ssh.ParseRawPrivateKey(raw)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		if len(passphrase) == 0 {
			return nil, fmt.Errorf("read the private key %s: %w", path, ErrPassphrase)
		}
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(raw, passphrase)
	}
	if err != nil { // never what was read: it may be the key
		return nil, fmt.Errorf("read the private key: %s is no private key that OpenSSH writes, or its passphrase is another", path)
	}
	return private(key)
}

// private wraps a private key of an algorithm that is known.
func private(key any) (Signer, error) {
	if s := ed25519Signer(key); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("a key of type %T cannot sign here: ed25519 can", key)
}

// ParsePublic reads the line of a public key as OpenSSH writes it; the comment is the rest of it.
func ParsePublic(line string) (v Verifier, comment string, err error) {
	key, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return nil, "", errors.New("it is no single public key as OpenSSH writes it")
	}
	of, known := algorithms[key.Type()]
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !known || !ok {
		return nil, "", fmt.Errorf("keys of type %s are not known here: ssh-ed25519 is", key.Type())
	}
	v, err = of(crypto)
	return v, comment, err
}

// Write makes the two files of a new key: path, which nobody else may read, and path.pub. Neither may be there, nor may the folder be part
// of a repository: a key that is checked in is nobody's any more.
func Write(path, comment string, passphrase []byte) (Verifier, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		for _, mark := range []string{".git", ".hg", ".svn"} {
			if _, err := os.Stat(filepath.Join(dir, mark)); err == nil {
				return nil, fmt.Errorf("make a key: %s lies in the repository %s; keys lie outside of repositories", path, dir)
			}
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	secret, public, err := generate(comment, passphrase)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	if _, err := os.Lstat(abs + ".pub"); err == nil {
		return nil, fmt.Errorf("make a key: %w", &fs.PathError{Op: "create", Path: path + ".pub", Err: fs.ErrExist})
	}
	if err := create(abs, secret, 0o600); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	if err := create(abs+".pub", public, 0o644); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	v, _, err := ParsePublic(string(public))
	return v, err
}

// create writes a file that is not there.
func create(path string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// line of a public key for people and for files.
func line(key ssh.PublicKey, comment string) []byte {
	text := strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(key)), "\n")
	return []byte(strings.TrimSpace(text+" "+strings.Join(strings.Fields(comment), " ")) + "\n")
}

// Envelope is a DSSE envelope: a payload and who signed it.
type Envelope = dsse.Envelope

// Seal signs a payload, alone or beside those who signed the same before. Who has signed already does not sign again.
func Seal(ctx context.Context, before *Envelope, payloadType string, payload []byte, by Signer) (*Envelope, error) {
	e := &Envelope{PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString(payload)}
	if before != nil {
		if before.PayloadType != e.PayloadType || before.Payload != e.Payload {
			return nil, errors.New("sign: others signed something else: it has changed since, or was changed")
		}
		e.Signatures = before.Signatures
	}
	id := by.Verifier().ID()
	for _, s := range e.Signatures {
		if s.KeyID == id {
			return nil, fmt.Errorf("sign: the key %s has signed already", id)
		}
	}
	signer, err := dsse.NewEnvelopeSigner(by)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	one, err := signer.SignPayload(ctx, payloadType, payload)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	e.Signatures = append(e.Signatures, one.Signatures...)
	return e, nil
}

// ParseEnvelope reads an envelope, strictly: a key twice, one that DSSE does not know, or a payload in another spelling is refused.
func ParseEnvelope(raw []byte) (*Envelope, []byte, error) {
	if err := canonical.Unique(raw); err != nil {
		return nil, nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	e := &Envelope{}
	if err := d.Decode(e); err != nil {
		return nil, nil, err
	}
	payload, err := bytesOf(e.Payload)
	if err != nil {
		return nil, nil, errors.New("its payload is not base64")
	}
	return e, payload, nil
}

// bytesOf reads base64 in its one spelling: Go's reader takes line breaks in it, too.
func bytesOf(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && strings.ContainsAny(text, "\r\n") {
		err = errors.New("it has line breaks")
	}
	return raw, err
}

// Signers are the trusted keys that signed an envelope. Every signature must be one of theirs or of a key that is not known, whose names
// come apart; one that bears the name of a trusted key and is not by it is an error, as is one key twice.
func (t *Trust) Signers(ctx context.Context, e *Envelope, payload []byte) (by []Trusted, unknown []string, err error) {
	pae := dsse.PAE(e.PayloadType, payload)
	seen := map[string]bool{}
	for _, s := range e.Signatures {
		sig, err := bytesOf(s.Sig)
		if err != nil {
			return nil, nil, fmt.Errorf("the signature of %q is not base64", s.KeyID)
		}
		var named, real *Trusted
		for i := range t.Keys {
			k := &t.Keys[i]
			if k.ID() == s.KeyID {
				named = k
			}
			if k.Verify(ctx, pae, sig) == nil {
				real = k
			}
		}
		switch {
		case real == nil && named != nil:
			return nil, nil, fmt.Errorf("the signature that bears the name of %s is not by that key", Names([]Trusted{*named}))
		case real == nil:
			unknown = append(unknown, s.KeyID)
		case named != real:
			return nil, nil, fmt.Errorf("the signature of %s bears the name of another key, %q", Names([]Trusted{*real}), s.KeyID)
		case seen[real.ID()]:
			return nil, nil, fmt.Errorf("the signature of %s stands there twice", Names([]Trusted{*real}))
		default:
			seen[real.ID()] = true
			by = append(by, *real)
		}
	}
	return by, unknown, nil
}
