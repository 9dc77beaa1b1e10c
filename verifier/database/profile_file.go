package database

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ReadProfile reads the file of a profile strictly. What it cannot read is a problem of the profile, and says nothing of a backup.
func ReadProfile(raw []byte) (*Profile, error) {
	var about struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(raw, &about); err != nil {
		return nil, errors.New("it is no profile, or not all of one")
	}
	if about.Version != ProfileVersion {
		return nil, fmt.Errorf("it is of version %d, and this lifeboat reads %d", about.Version, ProfileVersion)
	}
	var p Profile
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("it is no profile: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the profile")
	}
	if len(p.Databases) == 0 {
		return nil, errors.New("it tells of no database")
	}
	return &p, nil
}

// Size counts tables, and their rows.
func (p Profile) Size() (tables int, rows int64) {
	for _, d := range p.Databases {
		for _, t := range d.Tables {
			if t.HoldsRows() {
				tables, rows = tables+1, rows+t.Rows
			}
		}
	}
	return tables, rows
}

// HoldsRows is false for large objects, which are no table.
func (t ProfiledTable) HoldsRows() bool { return t.Name != blobs }

// Bytes are the file of a profile.
func (p Profile) Bytes() ([]byte, error) {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write the profile: %w", err)
	}
	return append(b, '\n'), nil
}
