package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lifeboat/internal/timestamp"
	"lifeboat/internal/userfile"
)

// A time stamp (RFC 3161) of the signed checkpoint: all that is in the log was there by then, whatever the host's clock says.
const (
	requestName  = "log/checkpoint.tsq"
	responseName = "log/checkpoint.tsr"
)

// mostStamp is how many bytes a request or a response may have.
const mostStamp = 1 << 20

// stamped gives the time stamp of a checkpoint: the one that this home has already, or a new one that answers what was asked. Nothing: there is none.
func stamped(r ExportRequest, checkpoint []byte) (request, response []byte, err error) {
	sum := sha256.Sum256(checkpoint)
	kept := filepath.Join(logDir(r.Home), "stamps", hex.EncodeToString(sum[:]))
	if request, err = os.ReadFile(kept + ".tsq"); err == nil {
		response, err = os.ReadFile(kept + ".tsr")
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return request, response, err
	}
	if r.Stamp == nil {
		return nil, nil, nil
	}
	if request, response, err = r.Stamp(checkpoint); err != nil {
		return nil, nil, err
	}
	if err := timestamp.Answers(checkpoint, request, response); err != nil {
		return nil, nil, fmt.Errorf("the time stamp is no good: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return nil, nil, err
	}
	return request, response, errors.Join(writeWhole(kept+".tsr", response), writeWhole(kept+".tsq", request))
}

// ahead is how much later than the authority's time a record may claim to have been logged: clocks differ.
const ahead = 5 * time.Minute

// stamp verifies the time stamp of the checkpoint. Without an authority that is trusted there is none.
func (a *auditing) stamp() {
	_, asked := a.files[requestName]
	_, answered := a.files[responseName]
	if !asked && !answered {
		if a.Authority != nil {
			a.wrong("stamp_missing")
		}
		return
	}
	request, ok := a.read(requestName, mostStamp)
	response, ok2 := a.read(responseName, mostStamp)
	checkpoint, err := userfile.ReadIn(a.root, checkpointName, mostEnvelope)
	if !ok || !ok2 || err != nil {
		return
	}
	if a.Authority == nil {
		if err := timestamp.Answers(checkpoint, request, response); err != nil {
			a.wrong("stamp_wrong", "why", err.Error())
			return
		}
		a.notice("stamp_unconfirmed")
		return
	}
	s, err := timestamp.Verify(checkpoint, request, response, *a.Authority)
	if err != nil {
		a.wrong("stamp_wrong", "why", err.Error())
		return
	}
	a.Stamp = s
	for _, l := range a.leaves {
		if l.Logged.After(s.Time.Add(ahead + s.Accuracy)) {
			a.notice("stamp_before", "drill", l.ID, "logged", l.Logged.Format(time.RFC3339), "stamp", s.Time.Format(time.RFC3339))
			return
		}
	}
}
