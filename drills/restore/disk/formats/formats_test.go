package formats

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"
)

// Whatever a file holds, opening it ends soon, and reading it gives bytes, damage or nothing known.
func FuzzOpen(f *testing.F) {
	qcow2 := make([]byte, 4096)
	copy(qcow2, "QFI\xfb\x00\x00\x00\x03")
	qcow2[23], qcow2[29], qcow2[39], qcow2[46] = 9, 1, 1, 2
	vmdk := make([]byte, 4096)
	copy(vmdk, "KDMV\x01\x00\x00\x00\x03\x00\x01\x00")
	vmdk[12], vmdk[20], vmdk[45], vmdk[56] = 16, 8, 2, 1
	vdi := make([]byte, 4096)
	copy(vdi[64:], "\x7f\x10\xda\xbe\x01\x00\x01\x00")
	vdi[76], vdi[341], vdi[345], vdi[369], vdi[377], vdi[384], vdi[388] = 1, 2, 4, 2, 2, 1, 1
	for i, seed := range [][]byte{nil, qcow2, vdi, append(make([]byte, 512), "conectix"...), append([]byte("vhdxfile"), make([]byte, 300<<10)...), vmdk} {
		f.Add(i, seed)
	}
	all := []string{"raw", "qcow2", "vdi", "vhd", "vhdx", "vmdk"}
	f.Fuzz(func(t *testing.T, of int, raw []byte) {
		format := all[uint(of)%uint(len(all))]
		began := time.Now()
		d, err := Open(format, bytes.NewReader(raw), int64(len(raw)))
		known := func(err error) bool {
			return err == nil || errors.Is(err, io.EOF) || errors.As(err, new(*Damage)) || errors.As(err, new(*Unread))
		}
		if !known(err) {
			t.Fatal(format, err)
		}
		if err == nil {
			for _, at := range []int64{0, d.Size / 2, d.Size - 100} {
				if n, err := d.ReadAt(make([]byte, 4096), at); !known(err) && at >= 0 || n > 4096 {
					t.Fatal(format, at, n, err)
				}
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Fatal(format, took)
		}
	})
}
