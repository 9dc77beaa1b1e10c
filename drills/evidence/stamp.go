package evidence

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/internal/signing"
	"lifeboat/internal/timestamp"
)

// A time stamp (RFC 3161) of the signed checkpoint: all that is in the log was there by then, whatever the host's clock says.
const (
	requestName  = "log/checkpoint.tsq"
	responseName = "log/checkpoint.tsr"
)

// mostStamp is how many bytes a request or a response may have.
const mostStamp = 1 << 20

// Stamper asks an authority for a time stamp, and gives its request and its response.
type Stamper func(content []byte) (request, response []byte, err error)

// ask gives a time stamp of some bytes, which answers what was asked.
func (s Stamper) ask(content []byte) (request, response []byte, err error) {
	if request, response, err = s(content); err != nil {
		return nil, nil, err
	}
	if err := timestamp.Answers(content, request, response); err != nil {
		return nil, nil, fmt.Errorf("the time stamp is no good: %w", err)
	}
	return request, response, nil
}

// Stamped gives the time stamp of a checkpoint: the one that this home has already, or a new one. Nothing: there is none.
func Stamped(home string, checkpoint []byte, stamp Stamper) (request, response []byte, err error) {
	sum := sha256.Sum256(checkpoint)
	kept := filepath.Join(logDir(home), "stamps", hex.EncodeToString(sum[:]))
	if request, err = os.ReadFile(kept + ".tsq"); err == nil {
		response, err = os.ReadFile(kept + ".tsr")
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return request, response, err
	}
	if stamp == nil {
		return nil, nil, nil
	}
	if request, response, err = stamp.ask(checkpoint); err != nil {
		return nil, nil, err
	}
	return request, response, keepStamp(kept, request, response)
}

func keepStamp(path string, request, response []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return errors.Join(writeWhole(path+".tsr", response), writeWhole(path+".tsq", request))
}

// stampOf names the time stamp of a signature of a drill's envelope, without .tsq and .tsr, and gives the bytes that are stamped: those of
// the signature. Whoever signs beside it later changes nothing of it.
func stampOf(sig string) (name string, content []byte) {
	content, err := base64.StdEncoding.DecodeString(sig)
	if err != nil { // it is told as a signature
		return "", nil
	}
	sum := sha256.Sum256(content)
	return "evidence/stamps/" + hex.EncodeToString(sum[:]), content
}

func stampSignature(dir, sig string, stamp Stamper) error {
	name, content := stampOf(sig)
	request, response, err := stamp.ask(content)
	if err != nil {
		return err
	}
	return keepStamp(filepath.Join(dir, filepath.FromSlash(name)), request, response)
}

// ahead is how much later than the authority's time a record may claim to have been logged: clocks differ.
const ahead = 5 * time.Minute

// stamp verifies the time stamp of the checkpoint. Without an authority that is trusted there is none.
func (a *auditing) stamp() {
	checkpoint, err := readIn(a.content, checkpointName, mostEnvelope)
	if err != nil {
		return
	}
	there := false
	if a.Stamp, there = a.stampedBy(strings.TrimSuffix(requestName, ".tsq"), checkpoint, "stamp"); !there && a.Authority != nil {
		a.wrong("stamp_missing")
	}
	if a.Stamp == nil {
		return
	}
	for _, l := range a.leaves {
		if a.ahead(l.ID, l.Logged, a.Stamp) {
			return
		}
	}
}

// ahead says of what claims to be later than its stamp that the host's clock was ahead.
func (a *auditing) ahead(what string, at time.Time, s *timestamp.Stamp) bool {
	late := at.After(s.Time.Add(ahead + s.Accuracy))
	if late {
		a.notice("stamp_before", "drill", what, "logged", at.Format(time.RFC3339), "stamp", s.Time.Format(time.RFC3339))
	}
	return late
}

// stampedBy verifies the time stamp of some bytes, if it is there. What is wrong with it is said by sentences that begin alike.
func (a *auditing) stampedBy(name string, content []byte, say string, args ...string) (s *timestamp.Stamp, there bool) {
	_, asked := a.files[name+".tsq"]
	_, answered := a.files[name+".tsr"]
	if !asked && !answered {
		return nil, false
	}
	request, ok := a.read(name+".tsq", mostStamp)
	response, ok2 := a.read(name+".tsr", mostStamp)
	if !ok || !ok2 {
		return nil, true
	}
	var err error
	if a.Authority == nil {
		err = timestamp.Answers(content, request, response)
	} else {
		s, err = timestamp.Verify(content, request, response, *a.Authority)
	}
	switch {
	case err != nil:
		a.wrong(say+"_wrong", append(args, "why", err.Error())...)
	case s == nil:
		a.notice(say+"_unconfirmed", args...)
	}
	return s, true
}

// signatures verifies the time stamps of those of a drill's envelope.
func (a *auditing) signatures(m *Manifest, e *signing.Envelope) (all []timestamp.Stamp) {
	for _, sig := range e.Signatures {
		name, content := stampOf(sig.Sig)
		s, _ := a.stampedBy("drills/"+m.Drill+"/"+name, content, "drill_stamp", "drill", m.Drill)
		if name != "" && s != nil {
			a.ahead(m.Drill, m.Sealed, s)
			all = append(all, *s)
		}
	}
	return all
}
