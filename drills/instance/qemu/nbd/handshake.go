package nbd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Magic numbers and flags of the handshake (proto.md, "Newstyle negotiation", "Flag fields").
const (
	magicServer = 0x4e42444d41474943 // NBDMAGIC
	magicOption = 0x49484156454F5054 // IHAVEOPT
	magicReply  = 0x3e889045565a9

	flagFixedNewstyle = 1 << 0 // the same in both directions
	flagNoZeroes      = 1 << 1

	flagHasFlags     = 1 << 0
	flagReadOnly     = 1 << 1
	flagCanMultiConn = 1 << 8
	exportFlags      = flagHasFlags | flagReadOnly | flagCanMultiConn
)

// Options, and the types of replies to them.
const (
	optExportName = 1
	optAbort      = 2
	optList       = 3
	optInfo       = 6
	optGo         = 7

	repAck        = 1
	repServer     = 2
	repInfo       = 3
	repErrUnsup   = 1<<31 | 1
	repErrInvalid = 1<<31 | 3
	repErrUnknown = 1<<31 | 6

	infoExport    = 0
	infoBlockSize = 3

	zeroes        = 124      // after the answer to NBD_OPT_EXPORT_NAME
	mostOption    = 16 << 10 // bytes; names have 4096 at most
	preferredSize = 64 << 10 // of a read: a cluster of qcow2
)

// phase that follows the handshake.
type phase int

const (
	aborted phase = iota
	transmission
)

// handshake ends when the client has chosen the export or left.
func (s *Server) handshake(r *bufio.Reader, w io.Writer) (phase, error) {
	hello := binary.BigEndian.AppendUint64(nil, magicServer)
	hello = binary.BigEndian.AppendUint64(hello, magicOption)
	hello = binary.BigEndian.AppendUint16(hello, flagFixedNewstyle|flagNoZeroes)
	if _, err := w.Write(hello); err != nil {
		return aborted, err
	}
	var flags uint32
	if err := binary.Read(r, binary.BigEndian, &flags); err != nil {
		return aborted, err
	}
	if flags&^(flagFixedNewstyle|flagNoZeroes) != 0 {
		return aborted, fmt.Errorf("the client sets unknown flags %#x", flags)
	}
	for {
		option, data, err := readOption(r)
		if err != nil {
			return aborted, err
		}
		switch option {
		case optExportName:
			return transmission, s.exportName(w, string(data), flags&flagNoZeroes != 0)
		case optAbort:
			_ = reply(w, option, repAck, nil) // the client may not wait for it
			return aborted, nil
		case optList:
			err = s.list(w, data)
		case optInfo, optGo:
			var known bool
			if known, err = s.info(w, option, data); known && err == nil && option == optGo {
				return transmission, nil
			}
		default:
			err = reply(w, option, repErrUnsup, []byte("not offered"))
		}
		if err != nil {
			return aborted, err
		}
	}
}

func readOption(r io.Reader) (option uint32, data []byte, err error) {
	var h struct {
		Magic          uint64
		Option, Length uint32
	}
	if err := binary.Read(r, binary.BigEndian, &h); err != nil {
		return 0, nil, err
	}
	if h.Magic != magicOption {
		return 0, nil, fmt.Errorf("the client sends %#x in place of an option", h.Magic)
	}
	if h.Length > mostOption {
		return 0, nil, fmt.Errorf("the client sends an option of %d bytes", h.Length)
	}
	data = make([]byte, h.Length)
	_, err = io.ReadFull(r, data)
	return h.Option, data, err
}

// reply to an option; data of an error is a message for people.
func reply(w io.Writer, option, kind uint32, data []byte) error {
	b := binary.BigEndian.AppendUint64(nil, magicReply)
	b = binary.BigEndian.AppendUint32(b, option)
	b = binary.BigEndian.AppendUint32(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	_, err := w.Write(append(b, data...))
	return err
}

// exportName is the old way in. It knows no errors but the end of the session.
func (s *Server) exportName(w io.Writer, name string, short bool) error {
	if !s.has(name) {
		return fmt.Errorf("the client asks for the export %q", name)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(s.image.Size()))
	b = binary.BigEndian.AppendUint16(b, exportFlags)
	if !short {
		b = append(b, make([]byte, zeroes)...)
	}
	_, err := w.Write(b)
	return err
}

func (s *Server) has(name string) bool { return name == "" || name == s.name }

func (s *Server) list(w io.Writer, data []byte) error {
	if len(data) > 0 {
		return reply(w, optList, repErrInvalid, []byte("a list has no data"))
	}
	one := binary.BigEndian.AppendUint32(nil, uint32(len(s.name)))
	if err := reply(w, optList, repServer, append(one, s.name...)); err != nil {
		return err
	}
	return reply(w, optList, repAck, nil)
}

// info describes the export; known is false when there is none of that name.
func (s *Server) info(w io.Writer, option uint32, data []byte) (known bool, err error) {
	name, wants, err := parseInfo(data)
	if err != nil {
		return false, reply(w, option, repErrInvalid, []byte(err.Error()))
	}
	if !s.has(name) {
		return false, reply(w, option, repErrUnknown, []byte("no such export"))
	}
	b := binary.BigEndian.AppendUint16(nil, infoExport)
	b = binary.BigEndian.AppendUint64(b, uint64(s.image.Size()))
	b = binary.BigEndian.AppendUint16(b, exportFlags)
	if err := reply(w, option, repInfo, b); err != nil {
		return true, err
	}
	if slices.Contains(wants, infoBlockSize) {
		b = binary.BigEndian.AppendUint16(nil, infoBlockSize)
		b = binary.BigEndian.AppendUint32(b, 1) // any offset and length will do
		b = binary.BigEndian.AppendUint32(b, preferredSize)
		b = binary.BigEndian.AppendUint32(b, MaxRead)
		if err := reply(w, option, repInfo, b); err != nil {
			return true, err
		}
	}
	return true, reply(w, option, repAck, nil)
}

// parseInfo reads the data of NBD_OPT_INFO and NBD_OPT_GO: a name, and what the client wants to know.
func parseInfo(data []byte) (name string, wants []uint16, err error) {
	bad := errors.New("the lengths do not fit")
	if len(data) < 6 {
		return "", nil, bad
	}
	length := uint64(binary.BigEndian.Uint32(data))
	if length > uint64(len(data)-6) {
		return "", nil, bad
	}
	name, data = string(data[4:4+length]), data[4+length:]
	count := int(binary.BigEndian.Uint16(data))
	if data = data[2:]; len(data) != 2*count {
		return "", nil, bad
	}
	for i := range count {
		wants = append(wants, binary.BigEndian.Uint16(data[2*i:]))
	}
	return name, wants, nil
}
