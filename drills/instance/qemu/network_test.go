package qemu

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/needs"
)

// staticScript gives the guest an address of its own, and a router that answers names, as most small networks have it.
const staticScript = `cat >/etc/systemd/network/10-static.network <<END
[Match]
Name=en* eth*
[Network]
Address=192.168.10.20/24
Gateway=192.168.10.1
END
echo nameserver 192.168.10.1 >/etc/resolv.conf; sync`

// upWithin is how long a guest under emulation takes on a busy host.
const upWithin = 8 * time.Minute

// A guest with a static address is told in words as soon as it is up, and reached once the scenario gives its network.
func TestVMStaticAddress(t *testing.T) {
	needs.EveryVM(t)
	d := newBench(t)
	m := d.bootGuest(t, openFile(t, guestImage(t)), VM{})
	awaitHTTP(t, m, "/healthz", upWithin)
	ctx := t.Context()
	m.Describe(ctx)
	require.NoError(t, m.guestScript(ctx, staticScript))

	silent := func(m *Machine, source, words string) {
		t.Helper()
		var got instance.Diagnosis
		began := time.Now()
		for got.Class != classSilent && time.Since(began) < detectLimit {
			var err error
			got, err = m.Diagnose(ctx)
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		t.Logf("told after %s: %s", time.Since(began), got.Words)
		assert.Equal(t, source, got.Source)
		assert.True(t, got.Fatal)
		assert.Equal(t, record.LackAddress, got.Lack)
		assert.Contains(t, got.Words, words)
	}
	boot := func(vm VM) *Machine {
		t.Helper()
		vm.Ports = []int{servicePort}
		b, err := d.Boot(ctx, instance.Request{Name: "pos", Generation: 1, KeepData: true, Image: "pos (qcow2)", Own: &vm})
		require.NoError(t, err)
		return b.(*Machine)
	}
	m = boot(VM{Address: "192.168.10.20/24"})
	assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", upWithin))
	assert.NotEmpty(t, m.Describe(ctx)["control"])
	r, err := m.Exec(ctx, instance.Command{Args: []string{"bash", "-c", `for way in 203.0.113.1/443 api.example.com/443; do
  timeout 5 bash -c "exec 3<>/dev/tcp/$way && head -c 1 <&3" && echo "reached $way"; done; exit 0`}})
	require.NoError(t, err)
	assert.Empty(t, r.Stdout)
	facts, err := d.base.Egress(ctx)
	require.NoError(t, err)
	var seen []string
	for _, f := range facts {
		seen = append(seen, f.Protocol+" "+f.Target+" "+f.Host)
	}
	assert.Contains(t, strings.Join(seen, "\n"), "tcp 203.0.113.1:443")
	assert.Contains(t, strings.Join(seen, "\n"), "api.example.com", "the router answers names, and what was asked is recorded")
	got, err := m.Diagnose(ctx)
	require.NoError(t, err)
	assert.NotEqual(t, classSilent, got.Class, got.Words)

	silent(boot(VM{}), controlAgent, "it has the address 192.168.10.20/24 on enp")
	silent(boot(VM{Control: []string{controlSerial}}), sourceNetwork, "by DHCP, and sends nothing") // an idle guest
}
