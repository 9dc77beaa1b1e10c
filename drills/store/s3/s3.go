// Package s3 is the store that is a bucket of object storage which speaks S3: AWS S3, Aliyun OSS, Tencent COS, Huawei
// OBS, Ceph, MinIO. Every object below a prefix is a restore point. Backups can be read where they lie.
package s3

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"lifeboat/drills/store"
	"lifeboat/drills/store/chunks"
	"lifeboat/drills/store/remote"
	"lifeboat/scenarios"
)

// Settings are the keys of a store of kind s3. Without access_key and secret_key the bucket is read as anybody may;
// nothing is ever taken from the environment that the scenario does not name.
type Settings struct {
	Endpoint string `yaml:"endpoint"` // of the service: https://oss-cn-hangzhou.aliyuncs.com; default AWS's
	Bucket   string `yaml:"bucket"`   // its name, without a folder: 3 to 63 letters, digits, dots and hyphens; needed
	Prefix   string `yaml:"prefix"`   // folder of the bucket: db/daily; default all of it
	Pattern  string `yaml:"pattern"`  // of the backups' names below it, as path.Match; default *; may contain /
	Region   string `yaml:"region"`   // of the bucket; default what the endpoint says when it is asked
	// Lookup of the bucket: dns (bucket.endpoint, as OSS and COS want it), path (endpoint/bucket), or auto, the
	// default: dns where the endpoint is one of the clouds that want it, else path.
	Lookup       string             `yaml:"lookup"`
	AccessKey    scenarios.Secret   `yaml:"access_key"`
	SecretKey    scenarios.Secret   `yaml:"secret_key"`
	SessionToken scenarios.Secret   `yaml:"session_token"` // of temporary keys (STS)
	Proxy        scenarios.Secret   `yaml:"proxy"`         // its URL; default none, whatever the environment says
	Timeout      scenarios.Duration `yaml:"timeout"`       // until the server answers, or goes on; default 30s
}

const (
	defaultEndpoint = "https://s3.amazonaws.com"
	defaultTimeout  = 30 * time.Second
	connections     = 8 // to the service at once, for one list or one disk, as the store of kind http
)

// Store is a prefix of a bucket.
type Store struct {
	set      Settings
	name     string // for people
	endpoint *url.URL
	prefix   string // "", or ends with /
	timeout  time.Duration
	client   *minio.Client
	chunk    int64 // bytes that OpenAt fetches at once
	seen     remote.Seen
}

// New makes the store of its settings. It asks nobody yet, and reads no secret.
func New(_ store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
	c := Settings{Endpoint: defaultEndpoint, Pattern: "*", Lookup: lookupAuto,
		Timeout: scenarios.Duration(defaultTimeout)}
	problems := s.Decode(&c)
	problems = append(problems, c.check(s, len(problems) == 0)...)
	endpoint, err := parseEndpoint(c.Endpoint)
	switch {
	case err != nil:
		problems = append(problems, s.Problem("endpoint",
			"write it like https://oss-cn-hangzhou.aliyuncs.com, without the bucket", "%v", err))
	case c.Bucket != "" && strings.HasPrefix(endpoint.Host, c.Bucket+"."):
		problems = append(problems, s.Problem("endpoint", "write "+endpoint.Scheme+"://"+
			strings.TrimPrefix(endpoint.Host, c.Bucket+".")+", and lookup: dns if the bucket must stand before it",
			"the bucket stands in the endpoint"))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	st := &Store{set: c, endpoint: endpoint, timeout: c.Timeout.Std(), chunk: chunks.Size}
	if c.Prefix != "" {
		st.prefix = strings.TrimSuffix(c.Prefix, "/") + "/"
	}
	st.name = fmt.Sprintf("s3://%s/%s at %s", c.Bucket, st.prefix, endpoint.Host)
	if st.client, err = st.newClient(); err != nil {
		return nil, []scenarios.Problem{s.Problem("endpoint", "", "%v", err)}
	}
	return st, nil
}

// check finds what is wrong with the settings beside the endpoint. What could not be decoded is as if it were not given.
func (c *Settings) check(s scenarios.Settings, decoded bool) (problems []scenarios.Problem) {
	add := func(key, hint, format string, args ...any) {
		problems = append(problems, s.Problem(key, hint, format, args...))
	}
	if c.Bucket == "" && (decoded || !s.Has("bucket")) {
		add("bucket", "add bucket: my-backups", "is missing")
	} else if err := s3utils.CheckValidBucketName(c.Bucket); c.Bucket != "" && err != nil {
		add("bucket", "a bucket is named in 3 to 63 letters, digits, dots and hyphens; a folder of it is the prefix",
			"%q is not the name of a bucket", c.Bucket)
	}
	if c.Prefix != "" && !clean(strings.TrimSuffix(c.Prefix, "/")) {
		add("prefix", "write it like db/daily", "%q is not a folder of a bucket", c.Prefix)
	}
	if _, err := path.Match(c.Pattern, ""); err != nil {
		add("pattern", "write it like *.dump", "is not a pattern")
	}
	if _, known := lookups[c.Lookup]; !known {
		add("lookup", "auto, dns or path", "%q is none of them", c.Lookup)
	}
	access, secret := s.Has("access_key"), s.Has("secret_key")
	switch {
	case access && !secret:
		add("secret_key", "add secret_key: {env: NAME}", "is missing beside access_key")
	case !access && secret:
		add("access_key", "add access_key: {env: NAME}", "is missing beside secret_key")
	case !access && s.Has("session_token"):
		add("session_token", "add access_key and secret_key, which came with it", "is good for nothing without its keys")
	}
	if c.Timeout == 0 {
		add("timeout", "such as timeout: 1m; the default is 30s", "cannot be 0s")
	}
	if !c.Proxy.IsZero() && !c.Proxy.Hidden() {
		if _, err := c.proxy(nil); err != nil {
			add("proxy", "write it like http://proxy.example.com:3128, with a password as {env: HTTPS_PROXY}", "%v", err)
		}
	}
	return problems
}

// proxy that the scenario names.
func (c *Settings) proxy(*http.Request) (*url.URL, error) { return remote.Proxy(c.Proxy) }

// parseEndpoint reads the address of a service.
func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("not the http or https address of a service")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("more than the address of a service")
	case u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("a service has no path: bucket and prefix have keys of their own")
	}
	return u, nil
}

// clean tells which names are paths below a prefix that every server understands alike.
func clean(name string) bool {
	return name != "" && name != "." && name != ".." && !path.IsAbs(name) && path.Clean(name) == name &&
		!strings.HasPrefix(name, "../")
}

// Hosts implements store.Remote.
func (s *Store) Hosts() []string {
	all := []string{s.endpoint.Hostname()}
	if u, err := s.set.proxy(nil); err == nil && u != nil {
		all = append(all, u.Hostname())
	}
	return all
}

func (s *Store) problem(hint, format string, args ...any) error {
	return &store.Problem{Store: s.name, Reason: fmt.Sprintf(format, args...), Hint: hint}
}
