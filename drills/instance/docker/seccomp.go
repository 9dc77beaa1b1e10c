package docker

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/moby/profiles/seccomp"
)

// seccompOption is the filter of system calls of every container of a drill, as the engine takes it: the newest default
// of the Docker project, so that an older engine, or one whose default was widened, seals as well. It refuses sockets of
// the hypervisor (AF_VSOCK). socketcall, by which 32-bit programs make sockets, goes too: a filter cannot see which.
var seccompOption = sync.OnceValue(func() string {
	p := seccomp.DefaultProfile()
	for _, s := range p.Syscalls {
		s.Names = slices.DeleteFunc(slices.Clone(s.Names), func(name string) bool { return name == "socketcall" })
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // plain data of a library
	}
	return "seccomp=" + string(b)
})
