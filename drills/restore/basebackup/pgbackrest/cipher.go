package pgbackrest

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"errors"
	"io"
)

// sealed is how an encrypted file begins: openssl's magic, before 8 bytes of salt.
const sealed = "Salted__"

// Sealed tells whether a file is encrypted.
func Sealed(head []byte) bool { return bytes.HasPrefix(head, []byte(sealed)) }

var errSealed = errors.New("it cannot be decrypted: it is damaged, or its key is another one")

// Decrypt reads what is encrypted as pgBackRest does it: AES-256-CBC, with key and first vector of the pass by openssl's old derivation
// (EVP_BytesToKey, SHA-1, one round). There is no checksum in it: what was changed is found by those of the repository.
func Decrypt(r io.Reader, pass string) io.Reader {
	return &decrypter{from: bufio.NewReaderSize(r, 64<<10), pass: pass}
}

type decrypter struct {
	from *bufio.Reader
	pass string
	mode cipher.BlockMode
	out  []byte
	buf  [32 << 10]byte
	end  bool
}

func (d *decrypter) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.end {
			return 0, io.EOF
		}
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// next decrypts a piece.
func (d *decrypter) next() error {
	if d.mode == nil {
		if err := d.begin(); err != nil {
			return err
		}
	}
	n, err := io.ReadFull(d.from, d.buf[:])
	switch {
	case errors.Is(err, io.EOF), n%aes.BlockSize != 0:
		return io.ErrUnexpectedEOF
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	d.out = d.buf[:n]
	d.mode.CryptBlocks(d.out, d.out)
	if _, err := d.from.Peek(1); errors.Is(err, io.EOF) { // the last block says how much of it is none
		d.end = true
		pad := int(d.out[n-1])
		if pad == 0 || pad > aes.BlockSize || !bytes.Equal(d.out[n-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
			return errSealed
		}
		d.out = d.out[:n-pad]
	}
	return nil
}

func (d *decrypter) begin() error {
	head := make([]byte, len(sealed)+8)
	if _, err := io.ReadFull(d.from, head); err != nil {
		return io.ErrUnexpectedEOF
	}
	if !Sealed(head) {
		return errSealed
	}
	var key, last []byte
	for len(key) < 32+aes.BlockSize {
		sum := sha1.Sum(append(append(last, d.pass...), head[len(sealed):]...)) //nolint:gosec // it is pgBackRest's
		last = sum[:]
		key = append(key, last...)
	}
	block, err := aes.NewCipher(key[:32])
	if err != nil {
		return err
	}
	d.mode = cipher.NewCBCDecrypter(block, key[32:32+aes.BlockSize])
	return nil
}
