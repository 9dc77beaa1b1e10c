// Package http is the store that is a web server: one backup file, or every
// file that a list of digests on it names. Backups can be read where they lie.
package http

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/drills/store/chunks"
	"lifeboat/drills/store/remote"
	"lifeboat/scenarios"
)

// Way is how a web server is asked.
type Way struct {
	// URL of one backup, or of a file SHA256SUMS: then every file that it names is a restore point. Only http
	// and https. Write {env: NAME} or {file: path} where it holds a signature.
	URL     scenarios.Secret            `yaml:"url"`
	Header  map[string]scenarios.Secret `yaml:"header"`  // sent with every request, such as Authorization
	Proxy   scenarios.Secret            `yaml:"proxy"`   // its URL; default none, whatever the environment says
	Timeout scenarios.Duration          `yaml:"timeout"` // until the server answers, or goes on; default 30s
}

// Settings are the keys of a store of kind http.
type Settings struct {
	Way
	Pattern string `yaml:"pattern"` // of names in SHA256SUMS, as path.Match; default all
	Sums    string `yaml:"sums"`    // none: look for no digests beside the backup
}

const (
	defaultTimeout = 30 * time.Second
	noSums         = "none"
	connections    = 8 // to a server at once, for one list or one disk: a browser takes six, QEMU reads 16 at once
)

// reserved headers are the protocol's own affair.
var reserved = []string{"Host", "Range", "If-Range", "Accept-Encoding", "Content-Length", "Transfer-Encoding",
	"Connection"}

// Store is one place on a web server. Redirects to another server are refused, and so is what claims to be
// the file that was listed and is not.
type Store struct {
	set     Settings
	name    string // for people: without what may be secret
	timeout time.Duration
	client  *http.Client
	chunk   int64 // bytes that OpenAt fetches at once
	seen    remote.Seen
}

// New makes the store of its settings. It asks nobody yet; an address from outside the scenario is not even read.
func New(_ store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
	st := &Store{set: Settings{Way: Way{Timeout: scenarios.Duration(defaultTimeout)}}, chunk: chunks.Size}
	problems := s.Decode(&st.set)
	problems = append(problems, st.reach(s, len(problems) == 0, "https://backups.example.com/disk.qcow2", st.address)...)
	if _, err := path.Match(st.set.Pattern, ""); err != nil {
		problems = append(problems, s.Problem("pattern", "write it like *.qcow2", "is not a pattern"))
	}
	if sums := st.set.Sums; sums != "" && sums != noSums {
		problems = append(problems, s.Problem("sums", "sums: none where no digests lie beside the backup; else delete it",
			"%q is not understood: it takes none alone", sums))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	st.client = st.newClient(st.redirect)
	return st, nil
}

// reach finds what is wrong with the way to a server. What could not be decoded is as if it were not given.
func (s *Store) reach(from scenarios.Settings, decoded bool, like string, address func() (*url.URL, error)) (problems []scenarios.Problem) {
	add := func(key, hint, format string, args ...any) {
		problems = append(problems, from.Problem(key, hint, format, args...))
	}
	s.name, s.timeout = "the address that is kept outside the scenario", s.set.Timeout.Std()
	if s.set.URL.IsZero() && (decoded || !from.Has("url")) {
		add("url", "add url: "+like, "is missing")
	} else if !s.set.URL.IsZero() && !s.set.URL.Hidden() {
		if u, err := address(); err != nil {
			add("url", hintOf(err), "%s", reasonOf(err))
		} else {
			s.name = s.show(u)
		}
	}
	if s.set.Timeout == 0 {
		add("timeout", "such as timeout: 1m; the default is 30s", "cannot be 0s")
	}
	if !s.set.Proxy.IsZero() && !s.set.Proxy.Hidden() {
		if _, err := s.proxy(nil); err != nil {
			add("proxy", "write it like http://proxy.example.com:3128, with a password as {env: HTTPS_PROXY}", "%v", err)
		}
	}
	for name := range s.set.Header {
		if !httpguts.ValidHeaderFieldName(name) || slices.Contains(reserved, http.CanonicalHeaderKey(name)) {
			add("header", "such as header: {Authorization: {env: BACKUP_TOKEN}}", "%q cannot be set", name)
		}
	}
	return problems
}

// address of the store, read anew each time: it may come from outside.
func (s *Store) address() (*url.URL, error) {
	u, err := s.anyAddress()
	if err == nil && (strings.HasSuffix(u.Path, "/") || u.Path == "") {
		err = s.problem("name one file, or a list: https://backups.example.com/SHA256SUMS", "the address is a folder's")
	}
	return u, err
}

// anyAddress is that of a file or of a folder.
func (s *Store) anyAddress() (*url.URL, error) {
	text, err := s.set.URL.Reveal()
	if err != nil {
		return nil, s.problem("", "%v", err)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, s.problem("write it like https://backups.example.com/disk.qcow2",
			"not an http or https address of a file")
	case u.User != nil:
		return nil, s.problem("delete it and add header: {Authorization: {env: NAME}}, whose value is Basic and the "+
			"base64 of user:password, or Bearer and a token", "a user or password in the address would be written everywhere")
	}
	u.Fragment = ""
	return u, nil
}

// locate gives the address of a point. Errors wrap store.ErrNoPoint when there can be none of that name.
func (s *Store) locate(id string) (*url.URL, error) {
	u, err := s.address()
	if err != nil {
		return nil, err
	}
	if base := path.Base(u.Path); !checksums.IsList(base) {
		if id != base {
			return nil, store.ErrNoPoint
		}
		return u, nil
	}
	if path.IsAbs(id) || id != path.Clean(id) || id == "." || id == ".." || strings.HasPrefix(id, "../") {
		return nil, store.ErrNoPoint
	}
	return beside(u, id), nil
}

// beside is the address of another file in the same place; a query stays, since it may be what opens the door.
func beside(u *url.URL, name string) *url.URL {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	other := *u
	raw := u.EscapedPath()
	other.RawPath = raw[:strings.LastIndex(raw, "/")+1] + strings.Join(parts, "/")
	other.Path, _ = url.PathUnescape(other.RawPath) // both halves were escaped properly
	return &other
}

// show writes an address without its query, which may hold a signature; of one that is kept outside the scenario no
// more than server and file, since folders may hold a token, too.
func (s *Store) show(u *url.URL) string {
	switch {
	case s.set.URL.Hidden() && (u.Path == "" || strings.HasSuffix(u.Path, "/")):
		return u.Scheme + "://" + u.Host + "/…"
	case s.set.URL.Hidden():
		return u.Scheme + "://" + u.Host + "/…/" + url.PathEscape(path.Base(u.Path))
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// Hosts implements store.Remote.
func (s *Store) Hosts() []string {
	var all []string
	if u, err := s.anyAddress(); err == nil {
		all = append(all, u.Hostname())
	}
	if u, err := s.proxy(nil); err == nil && u != nil {
		all = append(all, u.Hostname())
	}
	return all
}

func (s *Store) problem(hint, format string, args ...any) error {
	return &store.Problem{Store: s.name, Reason: fmt.Sprintf(format, args...), Hint: hint}
}
