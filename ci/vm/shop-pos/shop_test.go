package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const deviceLine = "vendordev 1.4: licensed to Shop Ltd, kernel 6.1.0-1-test"

// till is a shop with 20 seeded orders, reached over HTTP.
type till struct {
	t      *testing.T
	config config
	path   string // of the configuration
	url    string
	token  string
}

func newTill(t *testing.T) *till {
	dir := t.TempDir()
	device := filepath.Join(dir, "vendordev")
	require.NoError(t, os.WriteFile(device, []byte(deviceLine+"\n"), 0o600))
	var seeded bytes.Buffer
	require.NoError(t, seed(&seeded, 20, "seeded", time.Now()))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "orders.ndjson"), seeded.Bytes(), 0o600))
	path := filepath.Join(dir, "shop-pos.conf")
	text := fmt.Sprintf("# test\nlisten = :0\ndevice=%s\norders = %s/orders.ndjson\nreport = %s/report.json\n"+
		"cashier = anna:4711\n", device, dir, dir)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	c, err := readConfig(path)
	require.NoError(t, err)
	book, err := openBook(c.orders)
	require.NoError(t, err)
	server := httptest.NewServer(newShop(c, book))
	t.Cleanup(func() {
		server.Close()
		assert.NoError(t, book.close())
	})
	return &till{t: t, config: c, path: path, url: server.URL}
}

func (x *till) call(method, path, body string, into any) int {
	x.t.Helper()
	r, err := http.NewRequest(method, x.url+path, strings.NewReader(body))
	require.NoError(x.t, err)
	r.Header.Set("Authorization", "Bearer "+x.token)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(x.t, err)
	defer resp.Body.Close()
	require.NoError(x.t, json.NewDecoder(resp.Body).Decode(into))
	return resp.StatusCode
}

func (x *till) login() {
	var got struct{ Token string }
	require.Equal(x.t, http.StatusOK, x.call("POST", "/login", `{"cashier":"anna","pin":"4711"}`, &got))
	x.token = got.Token
}

type counted struct {
	Count int
	Cents int64
	Last  []order
}

const twoTeas = `{"items":[{"sku":"tea-100","quantity":2}]}`

func TestOrderIsSignedAndReadBack(t *testing.T) {
	t.Parallel()
	x := newTill(t)
	var before, after counted
	require.Equal(t, http.StatusOK, x.call("GET", "/orders", "", &before))
	x.login()
	var made, read order
	require.Equal(t, http.StatusCreated, x.call("POST", "/order", twoTeas, &made))
	assert.Equal(t, 21, made.Number)
	assert.Equal(t, int64(1180), made.Cents)
	assert.Equal(t, deviceLine, made.Device)
	require.Equal(t, http.StatusOK, x.call("GET", "/orders/21", "", &read))
	assert.Equal(t, made, read)
	require.Equal(t, http.StatusOK, x.call("GET", "/orders", "", &after))
	assert.Equal(t, before.Count+1, after.Count)
	assert.Equal(t, before.Cents+1180, after.Cents)
	assert.Equal(t, made, after.Last[len(after.Last)-1])

	again, err := openBook(x.config.orders)
	require.NoError(t, err)
	assert.Equal(t, 21, again.count(), "a restart finds the order")
	assert.NoError(t, again.close())
}

func TestWithoutTheDeviceTheServiceIsHealthyAndRefusesOrders(t *testing.T) {
	t.Parallel()
	x := newTill(t)
	x.login()
	require.NoError(t, os.Remove(x.config.device))
	var refused map[string]string
	assert.Equal(t, http.StatusServiceUnavailable, x.call("POST", "/order", twoTeas, &refused))
	assert.Contains(t, refused["error"], "sign order: open "+x.config.device)
	var health map[string]string
	assert.Equal(t, http.StatusOK, x.call("GET", "/healthz", "", &health))
	var now counted
	x.call("GET", "/orders", "", &now)
	assert.Equal(t, 20, now.Count, "a refused order is not in the book")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	x := newTill(t)
	var got map[string]string
	assert.Equal(t, http.StatusUnauthorized, x.call("POST", "/order", twoTeas, &got), "nobody is logged in")
	assert.Equal(t, http.StatusUnauthorized, x.call("POST", "/login", `{"cashier":"anna","pin":"1"}`, &got))
	assert.Equal(t, http.StatusUnauthorized, x.call("POST", "/login", `{"cashier":"eve","pin":""}`, &got))
	x.login()
	for name, body := range map[string]string{
		"unknown good": `{"items":[{"sku":"gold","quantity":1}]}`, "nothing": `{"items":[]}`,
		"less than one": `{"items":[{"sku":"tea-100","quantity":-1}]}`, "no JSON": `order`,
	} {
		assert.Equal(t, http.StatusBadRequest, x.call("POST", "/order", body, &got), name)
	}
	assert.Equal(t, http.StatusNotFound, x.call("GET", "/orders/21", "", &got))
	assert.Equal(t, http.StatusNotFound, x.call("GET", "/orders/0", "", &got))
}

func TestOrderThatCannotBeWrittenIsNotInTheBook(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "orders.ndjson")
	b, err := openBook(path)
	require.NoError(t, err)
	require.NoError(t, b.close())
	_, err = b.add(order{})
	assert.ErrorContains(t, err, "write order")
	assert.Zero(t, b.count())
}

func TestBookAfterPowerCut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "orders.ndjson")
	require.NoError(t, os.WriteFile(path, []byte("{\"order\":1}\n{\"order\":2,\"ce"), 0o600))
	b, err := openBook(path)
	require.NoError(t, err)
	o, err := b.add(order{Cents: 5})
	require.NoError(t, err)
	assert.Equal(t, 2, o.Number)
	require.NoError(t, b.close())
	again, err := openBook(path)
	require.NoError(t, err)
	assert.Equal(t, int64(5), turnover(again.all()))
	assert.NoError(t, again.close())
}

func TestDamagedBook(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"gap":     {"{\"order\":1}\n{\"order\":3}\n", "orders.ndjson:2: order 3 stands there"},
		"garbage": {"{\"order\":1}\n\x00\x00\n", "orders.ndjson:2: invalid character"},
	} {
		path := filepath.Join(t.TempDir(), "orders.ndjson")
		require.NoError(t, os.WriteFile(path, []byte(tc.text), 0o600), name)
		_, err := openBook(path)
		assert.ErrorContains(t, err, tc.want, name)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	x := newTill(t)
	var now counted
	x.call("GET", "/orders", "", &now)
	// The service may be in the middle of a line when the job reads.
	f, err := os.OpenFile(x.config.orders, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"order":21,"cen`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, report(x.path, time.Now()))
	raw, err := os.ReadFile(x.config.report)
	require.NoError(t, err)
	var got counted
	require.NoError(t, json.Unmarshal(raw, &got))
	assert.Equal(t, 20, got.Count)
	assert.Equal(t, now.Cents, got.Cents)
}

func TestConfigProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"listen :8080\n":                        `shop-pos.conf:1: "listen :8080" is not understood`,
		"\nlissten = :1\n":                      `shop-pos.conf:2: "lissten = :1" is not understood`,
		"cashier = anna\n":                      `shop-pos.conf:1: "cashier = anna" is not understood`,
		"listen = :1\ndevice = d\norders = o\n": "report is missing",
	} {
		path := filepath.Join(t.TempDir(), "shop-pos.conf")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := readConfig(path)
		assert.ErrorContains(t, err, want)
	}
}
