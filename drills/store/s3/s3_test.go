package s3

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
	"lifeboat/scenarios"
)

// harness of the conformance suites, by a bucket's folder or by all of it.
func harness(g *gateway, prefix, more string) storetest.Harness {
	return storetest.Harness{New: func(t *testing.T, backups ...storetest.Backup) store.Store {
		bucket := g.bucket(t)
		folder, settings := "", more
		if prefix != "" {
			folder = prefix + "/"
			g.Put(t, bucket, "beside.dump", []byte("of somebody else"), noon)
			settings += "\nprefix: " + prefix
		}
		g.fill(t, bucket, folder, backups)
		return openStore(t, g.with(bucket, settings))
	}}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	g := theGateway(t)
	t.Run("all of a bucket", func(t *testing.T) { storetest.Run(t, harness(g, "", "")) })
	t.Run("a folder, its region given", func(t *testing.T) {
		storetest.Run(t, harness(g, "shop/of today", "region: "+zone))
	})
}

func TestRandom(t *testing.T) {
	t.Parallel()
	storetest.RunRandom(t, harness(theGateway(t), "", "lookup: path"))
}

// The bucket as part of the host's name, as OSS and COS want it: the signature covers the host, too.
func TestLookupByDNS(t *testing.T) {
	t.Parallel()
	g := theGateway(t)
	bucket := g.bucket(t)
	g.Put(t, bucket, "db/shop dump 100%.img", storetest.Noise(3<<20), noon)
	through, hosts := g.proxy(t)
	st := openStore(t, "endpoint: http://s3.test\nlookup: dns\nprefix: db\nbucket: "+bucket+"\naccess_key: "+access+
		"\nsecret_key: "+secret+"\nproxy: "+through)
	points, err := st.List(t.Context())
	require.NoError(t, err)
	require.Len(t, points, 1)
	assert.Equal(t, "shop dump 100%.img", points[0].ID)
	r, err := st.OpenAt(t.Context(), points[0], t.TempDir())
	require.NoError(t, err)
	require.NoError(t, r.Close())
	hosts.Range(func(host, _ any) bool { return assert.Equal(t, bucket+".s3.test", host) })
}

func TestLookupOfClouds(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://s3.amazonaws.com": true, "https://oss-cn-hangzhou.aliyuncs.com": true,
		"https://cos.ap-guangzhou.myqcloud.com":    true,
		"https://obs.cn-north-4.myhuaweicloud.com": true, "http://10.0.0.1:9000": false, "https://minio.example.com": false,
	} {
		st := openStore(t, "bucket: shop\nregion: x\nendpoint: "+endpoint)
		u, err := st.client.PresignedGetObject(t.Context(), "shop", "key", 1e9, nil)
		require.Error(t, err, "there are no keys")
		assert.Nil(t, u)
		st = openStore(t, "bucket: shop\nregion: x\naccess_key: a\nsecret_key: b\nendpoint: "+endpoint)
		u, err = st.client.PresignedGetObject(t.Context(), "shop", "key", 1e9, nil)
		require.NoError(t, err)
		assert.Equal(t, want, u.Path == "/key", u.String())
	}
}

func TestNewProblems(t *testing.T) {
	t.Setenv("BUCKET_PROXY", "http://me:"+secret+"@proxy:3128")
	const at = "bucket: shop\n"
	for text, want := range map[string]string{
		at:                                "",
		"prefix: db":                      "bucket: is missing (add bucket: my-backups)",
		"bucket: shop/db":                 `bucket: "shop/db" is not the name of a bucket`,
		at + "endpoint: oss.aliyuncs.com": "endpoint: not the http or https address of a service (write it like https://oss",
		at + "endpoint: https://u:" + secret + "@x":                    "endpoint: more than the address of a service",
		at + "endpoint: https://x/?a=b":                                "endpoint: more than the address of a service",
		at + "endpoint: https://x/shop":                                "endpoint: a service has no path",
		at + "endpoint: https://shop.oss.test":                         "endpoint: the bucket stands in the endpoint (write https://oss.test, and lookup",
		at + "prefix: /db":                                             `prefix: "/db" is not a folder of a bucket`,
		at + "prefix: db/../x/":                                        "is not a folder of a bucket",
		at + "prefix: db/daily/":                                       "",
		at + "pattern: '['":                                            "pattern: is not a pattern",
		at + "lookup: virtual":                                         `lookup: "virtual" is none of them (auto, dns or path)`,
		at + "access_key: a":                                           "secret_key: is missing beside access_key (add secret_key: {env: NAME})",
		at + "secret_key: " + secret:                                   "access_key: is missing beside secret_key",
		at + "session_token: " + secret:                                "session_token: is good for nothing without its keys",
		at + "proxy: nowhere":                                          "proxy: the proxy is not an http",
		at + "proxy: 'http://a:" + secret + "@p'":                      "proxy: the proxy's password stands in the scenario",
		at + "proxy: {env: BUCKET_PROXY}":                              "",
		at + "access_key: {env: NOT_SET}\nsecret_key: {file: missing}": "", // not read yet
		at + "timeout: 0s":                                             "timeout: cannot be 0s",
		at + "sums: none":                                              "sums",
	} {
		settings, err := scenarios.ParseSettings("s3", text)
		require.NoError(t, err)
		_, problems := New(store.Site{}, settings)
		if want == "" {
			assert.Empty(t, problems, text)
			continue
		}
		if assert.Len(t, problems, 1, text) {
			assert.Contains(t, problems[0].Error(), want)
			assert.NotContains(t, problems[0].Error(), secret)
		}
	}
}

// A value that cannot be read hides no other problem.
func TestNewProblemsAtOnce(t *testing.T) {
	settings, err := scenarios.ParseSettings("s3", "bucket: 5\nendpoint: oss.test\nprefix: /db\nlookup: virtual\ntimeout: 30\nunknown: 1")
	require.NoError(t, err)
	_, problems := New(store.Site{}, settings)
	said := scenarios.Problems(problems).Error()
	for _, want := range []string{`bucket: want text`, `endpoint: not the http`, `prefix: "/db"`, `lookup: "virtual"`, `timeout: 30 has no unit`, `unknown key`} {
		assert.Contains(t, said, want)
	}
	assert.Len(t, problems, 6, said)
}
