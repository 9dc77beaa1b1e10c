package enginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// WithoutIPv6 is a host whose kernel was started with ipv6.disable=1: there is no such sysctl, and no such socket.
func WithoutIPv6() Way {
	var lost sync.Map // containers that do not start
	create := creating(func(body object) string {
		host := in(body, "HostConfig")
		options, _ := host["SecurityOpt"].([]any)
		for i, o := range options {
			words, _ := o.(string)
			if profile, ok := strings.CutPrefix(words, "seccomp="); ok {
				options[i] = "seccomp=" + withoutSockets(profile)
			}
		}
		return ""
	})
	return func(real http.Handler) http.Handler {
		made := create(real)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id, ok := strings.CutSuffix(r.URL.Path, "/start"); ok {
				if key, dead := lost.Load(id[strings.LastIndex(id, "/")+1:]); dead {
					refuse(w, http.StatusInternalServerError, fmt.Sprintf("failed to create task for container: failed to create shim task: "+
						"OCI runtime create failed: runc create failed: unable to start container process: error during container init: "+
						"open /proc/sys/%s: no such file or directory: unknown", strings.ReplaceAll(key.(string), ".", "/")))
					return
				}
			}
			if !strings.HasSuffix(r.URL.Path, "/containers/create") {
				real.ServeHTTP(w, r)
				return
			}
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(b))
			rec := httptest.NewRecorder()
			made.ServeHTTP(rec, r)
			var body, got object
			_ = json.Unmarshal(b, &body)
			_ = json.Unmarshal(rec.Body.Bytes(), &got)
			for k := range in(in(body, "HostConfig"), "Sysctls") {
				if strings.HasPrefix(k, "net.ipv6.") {
					lost.Store(got["Id"], k)
				}
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}
}

// withoutSockets of IPv6: EAFNOSUPPORT.
func withoutSockets(profile string) string {
	var p object
	if json.Unmarshal([]byte(profile), &p) != nil {
		return profile
	}
	all, _ := p["syscalls"].([]any)
	var rules []any
	for _, r := range all { // an allowed call cannot be refused by a second rule
		rule, _ := r.(object)
		names, _ := rule["names"].([]any)
		rule["names"] = slices.DeleteFunc(names, func(n any) bool { return n == "socket" })
		if len(rule["names"].([]any)) > 0 {
			rules = append(rules, rule)
		}
	}
	const afInet6, afNetlink, notSupported = 10, 16, 97
	socket := func(op string, domain int, action string, more object) {
		rule := object{"names": []string{"socket"}, "action": action, "args": []object{{"index": 0, "value": domain, "op": op}}}
		maps.Copy(rule, more)
		rules = append(rules, rule)
	}
	socket("SCMP_CMP_LT", afInet6, "SCMP_ACT_ALLOW", nil)
	socket("SCMP_CMP_EQ", afNetlink, "SCMP_ACT_ALLOW", nil)
	socket("SCMP_CMP_EQ", afInet6, "SCMP_ACT_ERRNO", object{"errnoRet": notSupported})
	p["syscalls"] = rules
	delete(p, "archMap") // 32-bit programs make sockets by a call whose arguments no filter sees
	b, _ := json.Marshal(p)
	return string(b)
}
