package docker

import (
	"slices"
	"strings"
)

// grantable are the capabilities that a scenario may grant to a container. None of them reaches out of its namespaces: those
// that do would open the seal (NET_ADMIN, NET_RAW, SYS_ADMIN, SYS_MODULE, BPF, DAC_READ_SEARCH …), move the host's clock or
// read its log (SYS_TIME, SYSLOG), or leave what cannot be removed (LINUX_IMMUTABLE). See capabilities(7).
var grantable = []string{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE",
	"MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT", "SYS_NICE", "SYS_PTRACE", "SYS_RESOURCE"}

// capability is one as it is written everywhere, without CAP_, in capitals; false: it is not granted.
func capability(name string) (string, bool) {
	plain := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
	return plain, slices.Contains(grantable, plain)
}
