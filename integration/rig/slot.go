package rig

import (
	"strconv"
	"strings"
)

// Slots is how many slots a cluster has.
const Slots = 16384

// Slot is the slot of a key: of its hash tag, if it has one.
func Slot(key string) int {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	var crc uint16 // CRC-16/XMODEM
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % Slots)
}

// tag is a hash tag of a slot.
func tag(slot int) string {
	for i := 0; ; i++ {
		if s := strconv.Itoa(i); Slot(s) == slot {
			return s
		}
	}
}
