package tree

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
)

// Types of members that archive/tar has no names for: GNU tar manual, "Basic Tar Format".
const (
	typeDumpDir = 'D' // a folder with the list of what is in it, of --listed-incremental
	typeMulti   = 'M' // the rest of a file of the volume before
	typeVolume  = 'V' // the archive's label
)

// member makes an entry of a header. skip: it is no path of the tree.
func (t *Tar) member(h *tar.Header) (n named, skip bool, err error) {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader, typeVolume:
		return n, true, nil
	case typeMulti:
		return n, false, &Odd{Reason: "it is one of several volumes of an archive, and not the first", Partial: true}
	}
	name, err := t.plain(h.Name)
	if err != nil {
		return n, false, err
	}
	n.Entry = Entry{Path: name, Mode: uint32(h.Mode) & ModeBits, UID: h.Uid, GID: h.Gid, Time: h.ModTime}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse, 0:
		n.Type, n.Size, n.Sparse = File, h.Size, sparse(h)
	case tar.TypeDir:
		n.Type = Dir
	case typeDumpDir:
		n.Type = Dir
		if err := t.dumped(); err != nil {
			return n, false, err
		}
	case tar.TypeSymlink:
		n.Type, n.Mode, n.Target = Link, LinkMode, h.Linkname
	case tar.TypeFifo:
		n.Type = Pipe
	case tar.TypeChar, tar.TypeBlock:
		n.Type = Device
		t.Special.add(name)
	case tar.TypeLink:
		return t.hard(n, h)
	default:
		return n, false, &Odd{Reason: fmt.Sprintf("it holds a member of the type %q, which is not known here", h.Typeflag)}
	}
	t.attributes(&n.Entry, h)
	return n, false, t.put(&n)
}

// put makes room for a path. One that is there already is replaced, as tar does.
func (t *Tar) put(n *named) error {
	if was, ok := t.names[n.Path]; ok {
		if t.Twice.add(n.Path); was.Type == Dir && n.Type != Dir && t.within[n.Path] > 0 {
			return bad("it holds %q as a folder with something in it, and later as a %s", clip(n.Path), n.Type)
		}
	} else {
		if len(t.names) >= mostNames {
			return &Odd{Reason: "it holds more than 4 million names"}
		}
		for dir := path.Dir(n.Path); n.Path != Root; dir = path.Dir(dir) {
			if t.within[dir]++; dir == Root || t.within[dir] > 1 {
				break
			}
		}
	}
	t.names[n.Path] = *n
	return nil
}

// hard is another name of a file that came before.
func (t *Tar) hard(n named, h *tar.Header) (named, bool, error) {
	to, err := t.plain(h.Linkname)
	if err != nil {
		return n, false, err
	}
	of, ok := t.names[to]
	switch {
	case !ok:
		return n, false, bad("it holds the hard link %q to %q, which does not come before it", clip(n.Path), clip(to))
	case of.Type == Dir:
		return n, false, bad("it holds the hard link %q to the folder %q", clip(n.Path), clip(to))
	case to == n.Path:
		return n, true, nil
	}
	if of.file == 0 {
		t.files++
		of.file = t.files
		t.names[to] = of
	}
	own := of
	own.Path, own.Same = n.Path, to
	return own, false, t.put(&own)
}

// dumped reads the list of an incremental archive: what it names with N is not in the archive (GNU tar manual, "Dumpdir").
func (t *Tar) dumped() error {
	list, err := io.ReadAll(io.LimitReader(t.tr, mostLine))
	if err != nil {
		return err
	}
	for name := range bytes.SplitSeq(list, []byte{0}) {
		if len(name) > 1 && name[0] == 'N' {
			return &Odd{Reason: "it is an increment: what did not change since the one before is not in it", Partial: true}
		}
	}
	return nil
}

func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") || key == paxHoles {
			return true
		}
	}
	return false
}

// Prefixes of PAX records that hold extended attributes: star's, which GNU tar and Go write, and libarchive's.
const (
	paxXattr      = "SCHILY.xattr."
	paxLibarchive = "LIBARCHIVE.xattr."
	paxAccess     = "SCHILY.acl.access"
	paxDefault    = "SCHILY.acl.default"
	paxHoles      = "LIFEBOAT.holes" // a file that has some, and whose content is whole
)

// attributes takes what a header says beyond the mode.
func (t *Tar) attributes(e *Entry, h *tar.Header) {
	if e.Mode&(SetUID|SetGID) != 0 && e.Type == File {
		t.Privileged.add(e.Path)
	}
	set := func(name, value string) {
		if e.Xattrs == nil {
			e.Xattrs = map[string]string{}
		}
		e.Xattrs[name] = value
	}
	for key, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(key, paxLibarchive)
		if !ok {
			continue
		}
		plain, err := url.PathUnescape(name)
		raw, bad := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		if err == nil && bad == nil {
			set(plain, string(raw))
		}
	}
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, paxXattr); ok {
			set(name, value)
		}
	}
	for key, name := range map[string]string{paxAccess: XattrAccess, paxDefault: XattrDefault} {
		text := h.PAXRecords[key]
		if text == "" {
			continue
		}
		if raw, ok := aclOf(name, text); ok {
			if raw != "" {
				set(name, raw)
			}
		} else {
			t.Nameless.add(e.Path)
		}
	}
	for name := range e.Xattrs {
		if Foreign(name) {
			t.Relabelled.add(e.Path)
			delete(e.Xattrs, name)
		}
	}
	if len(e.Xattrs) == 0 {
		e.Xattrs = nil
	}
}

// Foreign tells which extended attributes are the host's and no part of a tree: labels of its policy, and notes of its file systems.
func Foreign(name string) bool {
	for _, prefix := range []string{"security.selinux", "security.ima", "security.evm", "security.apparmor", "security.SMACK64",
		"trusted.overlay.", "user.overlay.", "user.fuseoverlayfs.", "trusted.SGI_", "system.nfs4_acl", "system.cifs_", "btrfs."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
