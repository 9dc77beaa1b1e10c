package signing

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"lifeboat/internal/canonical"
)

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
