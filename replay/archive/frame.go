package archive

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A frame is a run of records, compressed by itself, so that a reader may begin at
// any: length of what follows, its CRC-32C, length when unpacked, each four bytes,
// little-endian; then zstd. Unpacked, each record has its length before it, a
// uvarint; an envelope has its own CRC-32C behind it, so that of a damaged frame
// the first damaged entry can be named.
const (
	frameHead = 12
	frameSize = 256 << 10 // unpacked, about
	frameMax  = 1 << 30   // of what a damaged head may ask for
)

var errFrame = fmt.Errorf("frame is %w", ErrDamaged)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(frameMax))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// appendFrame packs records.
func appendFrame(b, records []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, frameHead)...)
	b = encoder().EncodeAll(records, b)
	packed := b[at+frameHead:]
	binary.LittleEndian.PutUint32(b[at:], uint32(len(packed)))
	binary.LittleEndian.PutUint32(b[at+4:], crc32.Checksum(packed, castagnoli))
	binary.LittleEndian.PutUint32(b[at+8:], uint32(len(records)))
	return b
}

// openFrame unpacks the frame that b begins with into dst, and returns what follows.
func openFrame(b, dst []byte) (records, rest []byte, err error) {
	if len(b) < frameHead {
		return nil, nil, fmt.Errorf("%w: cut off", errFrame)
	}
	n, unpacked := int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[8:]))
	if n > len(b)-frameHead || unpacked > frameMax {
		return nil, nil, fmt.Errorf("%w: cut off", errFrame)
	}
	packed := b[frameHead : frameHead+n]
	if crc32.Checksum(packed, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, nil, fmt.Errorf("%w: checksum", errFrame)
	}
	records, err = decoder().DecodeAll(packed, dst[:0])
	if err != nil || len(records) != unpacked {
		return nil, nil, fmt.Errorf("%w: does not unpack", errFrame)
	}
	return records, b[frameHead+n:], nil
}

// nextRecord takes one record off; ok is false when none follows or it is cut off.
func nextRecord(b []byte) (record, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n : n+int(v)], b[n+int(v):], true
}

// appendChecked appends the record of an envelope, with its checksum behind it;
// unchecked takes that off.
func appendChecked(b, envelope []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(envelope)+crc32.Size))
	b = append(b, envelope...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(envelope, castagnoli))
}

func unchecked(record []byte) (envelope []byte, ok bool) {
	n := len(record) - crc32.Size
	if n < 0 {
		return nil, false
	}
	envelope = record[:n]
	return envelope, crc32.Checksum(envelope, castagnoli) == binary.LittleEndian.Uint32(record[n:])
}

// salvage unpacks as much of a damaged frame as there is.
func salvage(b []byte) []byte {
	if len(b) < frameHead {
		return nil
	}
	n := min(int(binary.LittleEndian.Uint32(b)), len(b)-frameHead)
	records, _ := decoder().DecodeAll(b[frameHead:frameHead+n], nil) // what came before the error
	return records
}
