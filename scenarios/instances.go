package scenarios

import (
	"net/url"
	"slices"
	"strings"
)

// instances checks each instance by itself and its references.
func (r *review) instances() {
	owner := map[string]string{}
	for _, n := range keysOf(r.sc.Instances) {
		in, path := r.sc.Instances[n], "instances."+n
		r.backup(path+".boot", in.Boot)
		r.loads(path+".load", in.Load)
		for i, need := range in.Needs {
			r.instance(index(path+".needs", i), need)
		}
		for i, alias := range in.Aliases {
			r.alias(index(path+".aliases", i), alias, n, owner)
		}
		if r.given(path+".memory") && in.Memory < 6<<20 {
			r.problem(path+".memory", "engines take no less than 6MiB", "%s is too little", in.Memory)
		}
		if r.given(path+".cpus") && in.CPUs <= 0 {
			r.problem(path+".cpus", "give how many processors it may use, such as 1.5", "must be above 0")
		}
		r.ready(path+".ready", in.Ready)
	}
	if r.given("instances") && len(r.sc.Instances) == 0 {
		r.problem("instances", "add the machine that the backup becomes", "there is none")
	}
}

// loads checks the backups that are loaded into an instance.
func (r *review) loads(path string, loads Loads) {
	for i, load := range loads {
		at := path
		if len(loads) > 1 {
			at = index(at, i)
		}
		r.backup(at, load)
		if slices.Contains(loads[:i], load) {
			r.problem(at, "name each backup once", "%s is loaded already", clip(load))
		}
	}
}

// alias checks a name under which production knows an instance.
func (r *review) alias(path, alias, instance string, owner map[string]string) {
	if !hostPattern().MatchString(alias) {
		r.problem(path, "give a DNS name, such as db.prod.example.com", "%q is not a host name", clip(alias))
		return
	}
	if _, taken := r.sc.Instances[alias]; taken && alias != instance {
		r.problem(path, "give each instance names of its own", "%q is an instance of that name", alias)
	}
	if other, taken := owner[alias]; taken {
		r.problem(path, "give each instance names of its own", "%q is an alias of %s already", alias, other)
	}
	owner[alias] = instance
}

// ready checks when an instance counts as booted.
func (r *review) ready(path string, ready *Ready) {
	if ready == nil {
		return
	}
	tcp, http, exec := r.given(path+".tcp"), r.given(path+".http"), r.given(path+".exec")
	if !tcp && !http && !exec {
		r.problem(path, "add tcp: a port, http: a URL or exec: a command", "says not when the instance is ready")
	}
	if tcp && (ready.TCP < 1 || ready.TCP > 65535) {
		r.problem(path+".tcp", "give a port between 1 and 65535", "%d is not a port", ready.TCP)
	}
	if u, err := url.Parse(ready.HTTP); http && ready.HTTP != "" &&
		(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		r.problem(path+".http", "write it like http://:8080/healthz", "%q is not a URL", clip(ready.HTTP))
	}
	if exec && len(ready.Exec) == 0 {
		r.problem(path+".exec", "give the command and its arguments as a list", "is empty")
	}
	if ready.Within == 0 {
		r.problem(path+".within", "", "cannot be 0s")
	}
}

// cycles finds instances that need each other: neither can be booted first.
func (r *review) cycles() {
	const (
		open = 1 + iota
		done
	)
	state := map[string]int{}
	var path []string
	var visit func(n string)
	visit = func(n string) {
		state[n] = open
		path = append(path, n)
		for i, need := range r.sc.Instances[n].Needs {
			if _, ok := r.sc.Instances[need]; !ok {
				continue
			}
			switch state[need] {
			case open:
				circle := append(slices.Clone(path[slices.Index(path, need):]), need)
				r.problem(index("instances."+n+".needs", i), "delete one of these needs",
					"%s need each other", strings.Join(circle, " → "))
			case done:
			default:
				visit(need)
			}
		}
		path = path[:len(path)-1]
		state[n] = done
	}
	for _, n := range keysOf(r.sc.Instances) {
		if state[n] == 0 {
			visit(n)
		}
	}
}
