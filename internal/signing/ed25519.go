package signing

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/sumdb/note"
)

// ed25519Key is a private key in memory.
type ed25519Key struct {
	ed25519Public
	private ed25519.PrivateKey
}

// ed25519Public is a public key.
type ed25519Public struct {
	key ed25519.PublicKey
	id  string
}

func newEd25519(key ssh.CryptoPublicKey) (Verifier, error) {
	public, ok := key.CryptoPublicKey().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("it is no ed25519 key")
	}
	return ed25519Of(public)
}

func ed25519Of(public ed25519.PublicKey) (ed25519Public, error) {
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return ed25519Public{}, err
	}
	return ed25519Public{public, ssh.FingerprintSHA256(key)}, nil
}

// ed25519Signer is nil for keys of another kind.
func ed25519Signer(key any) Signer {
	if p, ok := key.(*ed25519.PrivateKey); ok {
		key = *p
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil
	}
	public, err := ed25519Of(private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil
	}
	return &ed25519Key{public, private}
}

// generate makes a key in the form of OpenSSH's files.
func generate(comment string, passphrase []byte) (secret, public []byte, err error) {
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	var block *pem.Block
	if len(passphrase) > 0 {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, comment, passphrase)
	} else {
		block, err = ssh.MarshalPrivateKey(private, comment)
	}
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(block), line(key, comment), nil
}

// Sign implements dsse.Signer.
func (k *ed25519Key) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(k.private, data), nil
}

// Verifier implements Signer.
func (k *ed25519Key) Verifier() Verifier { return k.ed25519Public }

// Note implements Signer.
func (k *ed25519Key) Note(name string) (note.Signer, error) {
	v, err := k.ed25519Public.Note(name)
	if err != nil {
		return nil, err
	}
	return noteSigner{v, k.private}, nil
}

// noteSigner signs as the verifier of its key verifies.
type noteSigner struct {
	note.Verifier
	private ed25519.PrivateKey
}

// Sign implements note.Signer.
func (s noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.private, msg), nil }

// KeyID implements dsse.Verifier.
func (p ed25519Public) KeyID() (string, error) { return p.id, nil }

// ID implements Verifier.
func (p ed25519Public) ID() string { return p.id }

// Public implements dsse.Verifier.
func (p ed25519Public) Public() crypto.PublicKey { return p.key }

// Verify implements dsse.Verifier.
func (p ed25519Public) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(p.key, data, sig) {
		return fmt.Errorf("it is no signature by %s", p.id)
	}
	return nil
}

// Note implements Verifier.
func (p ed25519Public) Note(name string) (note.Verifier, error) {
	vkey, err := note.NewEd25519VerifierKey(name, p.key)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("a log named %s (key %s): %w", name, base64.StdEncoding.EncodeToString(p.key), err)
	}
	return v, nil
}
