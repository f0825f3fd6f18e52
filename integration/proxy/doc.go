// Package proxy stands between a client process and a Redis and does to their
// connections what networks do: delays, half-open holes, resets, cuts. As it
// knows the framing of commands and replies it can also lose the reply of one
// chosen command, or crash a process at one chosen point of the protocol.
//
// Begin with New, hand Addr to the client and switch faults on while it works:
//
//	p, err := proxy.New("tcp", "127.0.0.1:6379")
//	defer p.Close()
//	// … a client talks to "redis://" + p.Addr()
//	p.On(func(c proxy.Command) (proxy.Verdict, func()) {
//		if c.Name == "XADD" {
//			return proxy.DropReply, nil // executed, and nobody knows
//		}
//		return proxy.Forward, nil
//	})
//
// It guarantees:
//
//  1. Without a fault every byte arrives, in order and without delay.
//  2. A command is forwarded whole or not at all, and after On has seen it.
//  3. The n-th reply of a connection is taken for that of its n-th command,
//     pipelines and blocked commands included.
//  4. A stream that cannot be parsed is closed. Nothing panics.
//  5. After Close no goroutine and no connection is left.
//
// Caveats: MULTI works, SUBSCRIBE, MONITOR and CLIENT REPLY do not, for they
// break 3. An upstream that is a unix socket sees an end where a TCP one sees a
// reset. Commands are held in memory until they are whole, replies are not.
package proxy
