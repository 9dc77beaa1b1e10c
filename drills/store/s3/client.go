package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"lifeboat/drills/store/remote"
	"lifeboat/scenarios"
)

const lookupAuto = "auto"

var lookups = map[string]minio.BucketLookupType{
	lookupAuto: minio.BucketLookupAuto, "dns": minio.BucketLookupDNS, "path": minio.BucketLookupPath,
}

// wantDNS are clouds that want the bucket in the host's name and that minio-go does not know to do so: Tencent COS
// (https://cloud.tencent.com/document/product/436/102489), Huawei OBS.
var wantDNS = []string{".myqcloud.com", ".myhuaweicloud.com"}

// newClient makes the client of a store. It looks for keys nowhere, follows no redirect, and tries nothing twice:
// who calls it does that.
func (s *Store) newClient() (*minio.Client, error) {
	t := remote.NewTransport(s.timeout, connections)
	if !s.set.Proxy.IsZero() {
		t.Proxy = s.set.proxy
	}
	return minio.New(s.endpoint.Host, &minio.Options{
		Creds:              credentials.New(&keys{store: s}),
		Secure:             s.endpoint.Scheme == "https",
		Transport:          &texts{Transport: t, store: s},
		Region:             s.set.Region,
		BucketLookupViaURL: s.lookup,
		MaxRetries:         1,
	})
}

// mostAnswer in bytes of what is no object: a page of a list is a thousand keys of a thousand letters each, each of
// which may be escaped.
const mostAnswer = 8 << 20

// texts reads every answer that is no object before minio-go does, which would take any number of bytes in any time. It
// makes sure that what is taken for the list of a bucket is one: minio-go finds no objects in a page of HTML.
type texts struct {
	*remote.Transport
	store *Store
}

// RoundTrip implements http.RoundTripper.
func (t *texts) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	asked := r.URL.Query()
	list := asked.Has("list-type")
	good := answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusPartialContent
	if good && !list && !asked.Has("location") {
		return answer, nil
	}
	text, err := remote.ReadText(answer.Body, mostAnswer, t.store.timeout)
	answer.Body.Close()
	switch {
	case !good: // whatever came of the words, the status is known
	case errors.Is(err, remote.ErrLong):
		return nil, t.store.problem("", "%s is answered with more than %d MiB at once", theList, mostAnswer>>20)
	case err != nil:
		return nil, err
	case list && !bytes.Contains(text[:min(len(text), 512)], []byte("<ListBucketResult")):
		return nil, t.store.problem("give the address of the S3 service, not of its web page, as endpoint",
			"%s is answered with something else than S3's XML", theList)
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, nil
}

func (s *Store) lookup(endpoint url.URL, bucket string) minio.BucketLookupType {
	if s.set.Lookup == lookupAuto && !strings.Contains(bucket, ".") { // a certificate for *.host does not fit a.b.host
		for _, cloud := range wantDNS {
			if strings.HasSuffix(endpoint.Hostname(), cloud) {
				return minio.BucketLookupDNS
			}
		}
	}
	return lookups[s.set.Lookup]
}

// anonymous tells whether the store has no keys.
func (s *Store) anonymous() bool { return s.set.AccessKey.IsZero() }

// keys reads the scenario's keys anew for each request: temporary ones may be replaced while a drill runs.
type keys struct{ store *Store }

// RetrieveWithCredContext implements credentials.Provider.
func (k *keys) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	if k.store.anonymous() {
		return credentials.Value{SignerType: credentials.SignatureAnonymous}, nil
	}
	var value [3]string
	for i, key := range []scenarios.Secret{k.store.set.AccessKey, k.store.set.SecretKey, k.store.set.SessionToken} {
		var err error
		if value[i], err = key.Reveal(); err != nil {
			return credentials.Value{}, k.store.problem("", "%v", err)
		}
	}
	access, secret, token := value[0], value[1], value[2]
	if access == "" || secret == "" { // it would be sent without a signature
		return credentials.Value{}, k.store.problem("look at what sets access_key and secret_key", "a key is empty")
	}
	return credentials.Value{AccessKeyID: access, SecretAccessKey: secret, SessionToken: token,
		SignerType: credentials.SignatureV4}, nil
}

// Retrieve implements credentials.Provider, whose interface has it for old callers.
func (k *keys) Retrieve() (credentials.Value, error) { return k.RetrieveWithCredContext(nil) }

// IsExpired implements credentials.Provider.
func (k *keys) IsExpired() bool { return true }
