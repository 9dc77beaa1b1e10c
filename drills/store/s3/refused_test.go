package s3

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
)

// What a real server says to keys and names that are wrong.
func TestRefusedForReal(t *testing.T) {
	g := theGateway(t)
	bucket := g.bucket(t)
	g.Put(t, bucket, "a.dump", []byte("data"), noon)
	t.Setenv("EMPTY", "")
	t.Setenv("AWS_ACCESS_KEY_ID", access)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	at := "endpoint: " + g.URL + "\nbucket: " + bucket + "\n"
	for name, test := range map[string]struct{ settings, want string }{
		"wrong secret": {at + "access_key: " + access + "\nsecret_key: wrong", "SignatureDoesNotMatch (look at secret_key"},
		"wrong key":    {at + "access_key: AKIDOTHER\nsecret_key: " + secret, "InvalidAccessKeyId (the service does not"},
		"wrong region": {g.with(bucket, "region: mars"), "AuthorizationHeaderMalformed (add region: " + zone},
		"no bucket":    {g.with("no-such-bucket", ""), "404 Not Found, NoSuchBucket (look at bucket, and at endpoint"},
		"no right":     {g.user(t, bucket), "403 Forbidden, AccessDenied (let the key list the bucket (s3:ListBucket)"},
		"no keys, whatever the environment says": {at + "region: " + zone,
			"AccessDenied (give access_key and secret_key as {env: NAME}"},
		"a key that is not set": {at + "access_key: {env: NOT_SET}\nsecret_key: x", "variable NOT_SET is not set"},
		"a key that is empty":   {at + "access_key: {env: EMPTY}\nsecret_key: x", "a key is empty (look at what sets"},
		"a token that is none":  {g.with(bucket, "session_token: "+secret), "(get new temporary keys, and give all three"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openStore(t, test.settings).List(t.Context())
			problem(t, err, test.want)
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const given = "region: x\n"
	for name, test := range map[string]struct {
		before   http.HandlerFunc
		settings string
		want     string
	}{
		"the clock is wrong": {deny("/shop/", 403, "RequestTimeTooSkewed"), given, "(set the clock of this host"},
		"an old token":       {deny("/shop/", 400, "ExpiredToken"), given, "ExpiredToken (get new temporary keys"},
		"wants DNS":          {deny("/shop/", 403, "SecondLevelDomainForbidden"), given, "(add lookup: dns)"},
		"another region": {deny("/shop/", 301, "PermanentRedirect"), given,
			"(add region: eu-other-1, and the endpoint"},
		"a strange code":              {deny("/shop/", 418, "<b>&amp;"+secret), given, "answered with 418 I'm a teapot"},
		"a secret as code":            {deny("/shop/", 418, secret), given, "answered with 418 I'm a teapot"},
		"no S3":                       {page, given, "something else than S3's XML (give the address"},
		"no S3, asked for the region": {page, "", "something else than S3's XML"},
		"sick":                        {deny("/shop/", 500, "InternalError"), given, "InternalError (tried 3 times)"},
		"busy":                        {deny("/shop/", 503, "SlowDown"), given, "503 Service Unavailable, SlowDown (tried 3"},
		"not one of these":            {deny("/shop/", 501, "NotImplemented"), given, "NotImplemented (look at endpoint"},
		"a body that is nonsense":     {deny("/shop/", 403, "<"), given, "403 Forbidden, AccessDenied"},
		"hangs":                       {hang, given, "no answer within 200ms (tried 3 times)"},
		"hangs at the region":         {hang, "", "no answer within 200ms (tried 3 times)"},
		"hangs within the list":       {half, given, "nothing came for 200ms (tried 3 times)"},
		"drops":                       {drop, given, "the connection was closed before an answer came (tried 3"},
		"endless":                     {endless, given, "more than 100000 objects are there (narrow it"},
		"a page that never ends":      {flood(200, "<ListBucketResult>"), given, "more than 8 MiB at once"},
		"a region that never ends":    {flood(200, "<LocationConstraint>"), "", "more than 8 MiB at once"},
		"a list by bytes, for ever":   {trickle(200, "<ListBucketResult>"), given, "not all of it came within 2s (tried 3"},
		"a refusal by bytes":          {trickle(403, "<Error>"), given, "403 Forbidden, AccessDenied"},
		"to another server":           {redirect("http://127.0.0.1:1/?" + secret), given, "302 Found (no redirect is f"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.first(test.before)
			began := time.Now()
			limit := "1s" // the host may be busy
			if strings.Contains(test.want, "200ms") || strings.Contains(test.want, "within 2s") {
				limit = "200ms"
			}
			_, err := s.open(t, test.settings+"timeout: "+limit).List(t.Context())
			problem(t, err, test.want)
			assert.Less(t, time.Since(began), time.Minute)
		})
	}
}

func page(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "<html><body>welcome</body></html>")
	done()
}

// endless says the same again and again.
func endless(w http.ResponseWriter, _ *http.Request) {
	const one = "<Contents><Key>a</Key><LastModified>2026-03-01T12:00:00Z</LastModified></Contents>"
	_, _ = io.WriteString(w, "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x"+
		"</NextContinuationToken>"+strings.Repeat(one, 1000)+"</ListBucketResult>")
	done()
}

// flood goes on as fast as it can.
func flood(status int, begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, err := io.WriteString(w, begin)
		for more := strings.Repeat("<a></a>", 10_000); err == nil; {
			_, err = io.WriteString(w, more)
		}
		done()
	}
}

// trickle goes on by a byte now and then, for ever.
func trickle(status int, begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
		w.WriteHeader(status)
		_, err := io.WriteString(w, begin)
		for err == nil && r.Context().Err() == nil {
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
			_, err = io.WriteString(w, " ")
		}
		done()
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, http.StatusFound)
		done()
	}
}

// A service that lists and then says nothing is left at once, not asked for each of a thousand manifests.
func TestHangsAfterTheList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 1000 {
		s.put(fmt.Sprintf("%d.dump", i), []byte("data"), noon)
		s.put(fmt.Sprintf("%d.dump.manifest.yaml", i), []byte("consistent_to: 2026-03-01T12:00:00Z"), noon)
	}
	s.first(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".yaml") {
			hang(w, r)
		}
	})
	began := time.Now()
	_, err := s.open(t, "region: x\ntimeout: 200ms").List(t.Context())
	problem(t, err, "no answer within 200ms (tried 3 times)")
	assert.Less(t, time.Since(began), time.Minute)
}

// No signature and no token reaches a server that the scenario does not name, nor does a backup come from one.
func TestNoRedirect(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Error("asked the other server, with ", r.Header)
	}))
	defer other.Close()
	s := newSite(t)
	s.put("a.dump", []byte("data"), noon)
	st := s.open(t, "")
	p := s.listed(t, st)
	s.first(redirect(other.URL + "/shop/a.dump"))
	_, err := st.Fetch(t.Context(), p)
	problem(t, err, "fetch a.dump: read store s3://shop/ at ")
	_, err = st.OpenAt(t.Context(), p, t.TempDir())
	problem(t, err, "no redirect is followed")
}

// What passes is tried again, and nobody is told.
func TestPasses(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]http.HandlerFunc{
		"slow down": deny("", 503, "SlowDown"), "too many": deny("", 429, ""), "timed out": deny("", 400, "RequestTimeout"),
		"hung": hang, "dropped": drop,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.put("a.dump", []byte("data"), noon)
			s.put("a.dump.sha256", []byte(sumOf("data")), noon)
			s.first(times(2, bad))
			st := s.open(t, "timeout: 1500ms\nregion: "+zone)
			p := s.listed(t, st)
			s.first(times(2, bad))
			stream, err := st.Fetch(t.Context(), p)
			require.NoError(t, err)
			defer stream.Close()
			raw, err := io.ReadAll(stream)
			require.NoError(t, err)
			assert.Equal(t, "data", string(raw))
		})
	}
}

// The region that a service tells is taken over, unless the scenario has one.
func TestRegionIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("a.dump", []byte("data"), noon)
	s.first(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-other-1/s3/") && !r.URL.Query().Has("location") {
			refuse(w, http.StatusBadRequest, "AuthorizationHeaderMalformed")
			done()
		}
	})
	s.listed(t, s.open(t, ""))
	_, err := s.open(t, "region: "+zone).List(t.Context())
	problem(t, err, "(add region: eu-other-1")
}

func TestTokenGoesAlong(t *testing.T) {
	s := newSite(t)
	s.put("a.dump", []byte("data"), noon)
	s.first(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Security-Token") != "token-2" {
			refuse(w, http.StatusBadRequest, "ExpiredToken")
			done()
		}
	})
	t.Setenv("BUCKET_TOKEN", "token-1")
	st := s.open(t, "session_token: {env: BUCKET_TOKEN}")
	_, err := st.List(t.Context())
	problem(t, err, "ExpiredToken")
	t.Setenv("BUCKET_TOKEN", "token-2")
	_, err = st.List(t.Context())
	require.NoError(t, err, "it is read anew")
}

func TestAnonymous(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", access)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	s := newSite(t)
	s.put("a.dump", []byte("data"), noon)
	s.first(func(_ http.ResponseWriter, r *http.Request) { assert.Empty(t, r.Header.Get("Authorization")) })
	s.listed(t, openStore(t, "endpoint: "+s.URL+"\nbucket: shop"))
}

func TestTLS(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of clients that do not trust it
	secure.StartTLS()
	defer secure.Close()
	_, err := openStore(t, "bucket: shop\nendpoint: "+secure.URL).List(t.Context())
	problem(t, err, "certificate signed by unknown authority (add the authority's certificate")
}

func TestContexts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.first(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	st := s.open(t, "")
	_, err := st.List(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var p *store.Problem
	assert.NotErrorAs(t, err, &p)
	_, err = st.List(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded, "not an empty list, of a context that ended before")
	_, err = st.OpenAt(ctx, store.Point{ID: "a.img"}, t.TempDir())
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = st.Fetch(ctx, store.Point{ID: "a.img"})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestNamesOfNoPoint(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("db/a.dump", nil, noon)
	s.put("secret.dump", nil, noon)
	st := s.open(t, "prefix: db\nregion: x")
	for _, id := range []string{"", ".", "..", "../secret.dump", "x/../../secret.dump", "/secret.dump", "missing.dump"} {
		_, err := st.Fetch(t.Context(), store.Point{ID: id})
		assert.ErrorIs(t, err, store.ErrNoPoint, id)
		_, err = st.OpenAt(t.Context(), store.Point{ID: id}, t.TempDir())
		assert.ErrorIs(t, err, store.ErrNoPoint, id)
	}
	assert.Equal(t, 2, s.requests("/shop/db/missing.dump"), "asked for")
	assert.Equal(t, 2, s.requests(""), fmt.Sprint("and nothing else is: ", s.asked))
}
