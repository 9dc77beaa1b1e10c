package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// What is read of an object of a store that is reached over a network, bytes.
const (
	mostGlance = 16 << 20  // of its beginning, to see what it is
	mostImage  = 256 << 20 // of an image's archive, to see which ports it exposes
)

// remotePlace is a bucket of object storage below a prefix, or a list of digests on a web server. It is read through its store, as a
// night reads it.
type remotePlace struct {
	a      *app
	kind   string // s3, http
	name   string // for people
	bucket string
	prefix string
	url    string             // of a list of digests
	more   string             // the other keys of the store, as they were given: YAML between braces
	base   string             // the catalogue's folder
	points map[string]pointAt // by name
}

// pointAt is a point with the store that listed it, which alone knows it again.
type pointAt struct {
	store.Point
	from store.Store
}

// errPlain is an answer to whoever would have a secret written into the catalogue.
var errPlain = errors.New("--store holds a secret itself: write {env: NAME} or {file: PATH} in its place, since the catalogue keeps what stands there")

// remoteOf makes the place of an address; keys are the store's other ones, such as {access_key: {env: NAME}}.
func (a *app) remoteOf(ctx context.Context, address, keys, base string) (*remotePlace, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("read --catalogue: write it like s3://BUCKET/FOLDER or https://SERVER/FOLDER/SHA256SUMS, " +
			"without keys or signatures: those belong into --store")
	}
	p := &remotePlace{a: a, kind: "http", name: address, url: address, base: base, points: map[string]pointAt{}}
	if u.Scheme == "s3" {
		p.kind, p.bucket, p.prefix = "s3", u.Host, strings.Trim(u.Path, "/")
	}
	keys = strings.TrimSpace(keys)
	inner, braced := strings.CutPrefix(keys, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if keys != "" && (!braced || !closed || strings.ContainsAny(keys, "\n\r#")) {
		return nil, errors.New("read --store: write it in one line, like " +
			"{endpoint: https://oss-cn-hangzhou.aliyuncs.com, access_key: {env: NAME}, secret_key: {env: NAME}}")
	}
	p.more = strings.TrimSuffix(strings.TrimSpace(inner), ",")
	levels := 1
	if p.kind == "s3" {
		levels += deepest
	}
	for i := range levels { // a pattern fits names of as many folders as it has
		pattern := "*" + strings.Repeat("/*", i)
		if p.kind == "http" {
			pattern = ""
		}
		from, err := p.open(pattern)
		if err != nil {
			return nil, err
		}
		points, err := from.List(ctx)
		if err != nil {
			return nil, err
		}
		for _, point := range points {
			if point.Unusable == "" {
				p.points[point.ID] = pointAt{point, from}
			}
		}
	}
	return p, nil
}

// open the store as an entry of the catalogue has it.
func (p *remotePlace) open(pattern string) (store.Store, error) {
	var given []scenarios.Secret
	from, err := scenarios.ParseSettings(p.kind, p.keys("", pattern))
	if err != nil {
		return nil, fmt.Errorf("read --store: %w", err)
	}
	from = from.In(p.base).Plain(&given)
	s, problems := p.a.kit().Stores[p.kind](store.Site{}, from)
	if len(problems) > 0 {
		return nil, fmt.Errorf("read --store: %w", problems[0])
	}
	for _, secret := range given {
		plain, _ := secret.Reveal()
		if u, err := url.Parse(plain); plain != "" && plain != p.url && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "") {
			return nil, errPlain
		}
	}
	return s, nil
}

// keys of a store for a folder of the place.
func (p *remotePlace) keys(folder, pattern string) string {
	var all []string
	add := func(key, value string) {
		if value != "" {
			all = append(all, fmt.Sprintf("%s: %q", key, value))
		}
	}
	if p.kind == "s3" {
		add("bucket", p.bucket)
		add("prefix", path.Join(p.prefix, folder))
	} else {
		add("url", p.url)
		if len(p.points) > 1 { // no pattern is all that the list names, whatever the folder
			pattern = path.Join(escaped(folder), cmp.Or(pattern, "*"))
		}
	}
	add("pattern", pattern)
	if p.more != "" {
		all = append(all, p.more)
	}
	return "{" + strings.Join(all, ", ") + "}"
}

func (p *remotePlace) String() string { return p.name }

func (p *remotePlace) walk(_ context.Context, found func(string, time.Time)) error {
	dumps := map[string]bool{} // folders that are one backup, and that such a store cannot give as one
	for name := range p.points {
		if path.Base(name) == contents {
			dumps[path.Dir(name)] = true
		}
	}
	for name, point := range p.points {
		if folder := path.Dir(name); !dumps[folder] {
			found(name, point.Taken)
		} else if path.Base(name) == contents {
			found(folder, point.Taken)
		}
	}
	return nil
}

func (p *remotePlace) glance(ctx context.Context, name string) (glance, error) {
	point, ok := p.points[name]
	if !ok {
		return glance{words: "a folder of pg_dump, which no store but dir gives as one backup"}, nil
	}
	stream, err := point.from.Fetch(ctx, point.Point)
	if err != nil {
		return glance{}, err
	}
	defer stream.Close() //nolint:errcheck // it was only read
	return glanceOf(io.LimitReader(unheld{stream}, mostGlance))
}

// unheld is a stream whose broken promise is its end: that a backup is not what was promised is for its check run to say.
type unheld struct{ store.Stream }

func (u unheld) Read(p []byte) (int, error) {
	n, err := u.Stream.Read(p)
	if _, broken := errors.AsType[*store.Mismatch](err); broken {
		err = io.EOF
	}
	return n, err
}

func (p *remotePlace) told(name string) bool { return !p.points[name].ConsistentTo.IsZero() }

func (p *remotePlace) ports(ctx context.Context, name string) ([]int, string) {
	point := p.points[name]
	if point.Size > mostImage {
		return nil, fmt.Sprintf("It is larger than the %d MiB that are read here, so nobody looked which port it exposes", mostImage>>20)
	}
	return p.a.exposed(ctx, point.from, point.Point), ""
}

func (p *remotePlace) folder(name string) string {
	at := p.name
	if p.kind == "http" {
		at = at[:strings.LastIndex(at, "/")]
	}
	if at = strings.TrimSuffix(at, "/"); name == "." {
		return at
	}
	return at + "/" + name
}

func (p *remotePlace) store(folder, pattern string) string {
	if folder == "." {
		folder = ""
	}
	return "{kind: " + p.kind + ", " + strings.TrimPrefix(p.keys(folder, pattern), "{")
}

// placeOf is where --catalogue points.
func (a *app) placeOf(ctx context.Context, where, keys, from string) (place, error) {
	if scheme, _, is := strings.Cut(where, "://"); is && (scheme == "s3" || scheme == "http" || scheme == "https") {
		return a.remoteOf(ctx, where, keys, from)
	}
	if keys != "" {
		return nil, errors.New("--store: of a bucket (s3://…) or of a list on a web server (https://…); a folder needs no keys")
	}
	dir, err := filepath.Abs(where)
	if err != nil {
		return nil, err
	}
	return &folderPlace{a: a, dir: dir, from: from}, nil
}
